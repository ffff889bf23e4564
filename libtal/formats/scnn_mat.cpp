// S-CNN's results: windows with scores (MATLAB level 5), and the weights of their lengths and classes.
#include <algorithm>
#include <cmath>

#include "libtal/base/number.h"
#include "libtal/data/import_support.h"
#include "libtal/data/mat_file.h"
#include "libtal/formats/formats.h"

namespace tal {

std::vector<std::vector<double>> parse_window_weights(const SourceText& source) try {
  std::vector<std::vector<double>> rows;
  if (source.text.substr(0, 6) == "MATLAB") {
    for (const auto& array : parse_mat(source.text)) {
      if (array.data.empty() || array.shape.size() != 2) continue;
      for (std::size_t r = 0; r < array.shape[0]; ++r) {
        auto& row = rows.emplace_back();
        for (std::size_t c = 0; c < array.shape[1]; ++c) row.push_back(array.at(r, c));
      }
      return rows;
    }
    throw Error("no matrix in this file");
  }
  const TableText table = open_table(source, {}, BlankColumns::kAlways);
  DecimalSign sign({}, table.separator);
  for (RowReader lines = table.rows(source.name); lines.next();)
    for (const auto field : lines.fields()) sign.see(field, lines.line());
  const char decimal = sign.decide(source.name);
  for (RowReader lines = table.rows(source.name); lines.next();) {
    auto& row = rows.emplace_back();
    try {
      for (const auto field : lines.fields()) row.push_back(table_number(field, decimal));
      if (row.size() != rows.front().size()) throw Error("rows differ in length");
    } catch (Error& error) {
      throw error.at_line(source.name, lines.line());
    }
  }
  if (rows.empty()) throw Error("empty");
  return rows;
} catch (Error& error) {
  throw error.at_line(source.name, 0);
}

namespace {

// What stands for the line that a row of an array has not.
std::string row_text(const MatArray& table, std::size_t row) {
  std::string text;
  for (std::size_t c = 0; c < table.shape[1]; ++c) {
    const double value = table.at(row, c);
    text += (c > 0 ? " " : "") + (std::isfinite(value) ? format_number(value)
                                  : std::isnan(value)  ? "nan"
                                  : value < 0          ? "-inf"
                                                       : "inf");
  }
  return text;
}

}  // namespace

// S-CNN's res_seg_swin: one window a row. Columns (from 1): 1 video number, 2 window length in frames, 5 and 6 start
// and end in seconds, 9 score, 11 class (0 background). score * weight[log2(length / 16)][class - 1] as its evaluation
// code ranks them.
void read_scnn_mat(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) {
    std::vector<MatArray> arrays;
    try {
      arrays = parse_mat(source.text);
    } catch (Error& error) {
      throw error.at_line(source.name, 0);
    }
    const MatArray* table = nullptr;
    for (const auto& array : arrays)
      if (!array.data.empty() && array.shape.size() == 2 && array.shape[1] >= 11 && !table) table = &array;
    if (!table) throw Error("no matrix with at least 11 columns").at_line(source.name, 0);
    const auto& weights = options.tables.window_weights;
    std::size_t background = 0;
    for (std::size_t r = 0; r < table->shape[0]; ++r) {
      guard_row(source, 0, "", row_text(*table, r), sink, [&] {
        const std::string place = "row " + std::to_string(r + 1);
        const auto cell = [&](std::size_t column) {
          const double value = table->at(r, column - 1);
          if (!std::isfinite(value))
            throw Error("not a finite number", Error::Kind::kNotFinite)
                .at_field(place + ", column " + std::to_string(column));
          return value;
        };
        const auto whole = [&](std::size_t column, double high) {
          const double value = cell(column);
          if (value != std::floor(value) || value < 0 || value > high)
            throw Error("'" + format_number(value) + "' is not a whole number from 0 to " + format_number(high))
                .at_field(place + ", column " + std::to_string(column));
          return static_cast<std::int64_t>(value);
        };
        std::string video = std::to_string(whole(1, 9999999));
        video = options.prefix.value_or("video_test_") + std::string(7 - std::min<std::size_t>(7, video.size()), '0') +
                video;
        auto& entry = rows.at(video);  // a video of background windows only has a record too
        entry.has_proposals = true;
        const std::int64_t id = whole(11, 1e6);
        if (id == 0) {
          ++background;
          return;
        }
        double score = cell(9);
        if (!weights.empty()) {
          const double level = std::log2(cell(2) / 16);
          if (!(level >= 0) || level != std::floor(level) || level >= static_cast<double>(weights.size()))
            throw Error("window length " + format_number(cell(2)) + " has no row in the weights")
                .at_field(place + ", column 2")
                .at_video(video);
          const auto& row = weights[static_cast<std::size_t>(level)];
          if (static_cast<std::size_t>(id) > row.size())
            throw Error("class " + std::to_string(id) + " has no column in the weights")
                .at_field(place + ", column 11")
                .at_video(video);
          score *= row[static_cast<std::size_t>(id) - 1];
        }
        const Segment segment{cell(5), cell(6)};
        check_segment(segment, place);
        append_item(entry.proposals, segment, score, label_of(std::to_string(id), options));
      });
    }
    if (background > 0) sink.note(source.name + ": left out " + std::to_string(background) + " background windows");
  }
  rows.emit(options, sink);
}

}  // namespace tal
