#include "libtal/formats/pose.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/data/source_files.h"
#include "libtal/formats/feature_support.h"
#include "libtal/io/features.h"
#include "libtal/io/hdf5.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/table.h"

namespace tal {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

std::string file_stem(const std::string& path) {
  std::string name(without_ending(path, {".gz"}));
  name.erase(0, name.find_last_of("/\\") + 1);
  return std::string(without_ending(name, {".analysis.h5", ".analysis.csv", ".csv", ".h5", ".hdf5", ".slp"}));
}

// Columns and rows as entries come, whatever their order.
class PoseBuilder {
 public:
  explicit PoseBuilder(std::string video) { table_.video = std::move(video); }
  // The row of a frame; a new one where it has none yet.
  std::size_t row(std::int64_t frame) {
    const auto [found, fresh] = by_frame_.emplace(frame, table_.rows.size());
    if (fresh) table_.rows.emplace_back(), table_.frames.push_back(frame);
    return found->second;
  }
  std::size_t column(const std::string& name) {
    const auto [found, fresh] = by_name_.emplace(name, table_.columns.size());
    if (fresh) table_.columns.push_back(name);
    return found->second;
  }
  void set(std::size_t row, std::size_t column, double value) {
    auto& values = table_.rows[row];
    if (values.size() <= column) values.resize(column + 1, kMissing);
    values[column] = static_cast<float>(value);
  }
  // Rows by their frames, each as wide as all.
  PoseTable finish() {
    PoseTable out;
    out.video = table_.video, out.columns = table_.columns;
    for (const auto& [frame, row] : by_frame_) {
      out.frames.push_back(frame);
      auto& values = table_.rows[row];
      values.resize(table_.columns.size(), kMissing);
      out.rows.push_back(std::move(values));
    }
    return out;
  }

 private:
  PoseTable table_;
  std::map<std::int64_t, std::size_t> by_frame_;
  std::map<std::string, std::size_t> by_name_;
};

double point_number(std::string_view text) {
  const auto plain = trim(text);
  if (plain.empty() || plain == "nan" || plain == "NaN") return kMissing;
  return table_number(plain, '.');
}

// "img005.png" -> 5. Error without a number.
std::int64_t frame_of_image(std::string_view name) {
  const auto dot = std::min(name.rfind('.'), name.size());
  std::size_t begin = dot;
  while (begin > 0 && name[begin - 1] >= '0' && name[begin - 1] <= '9') --begin;
  if (begin == dot || dot - begin > 15)
    throw Error("'" + std::string(name) + "' has no number of its frame").at_field("index");
  return parse_integer(name.substr(begin, dot - begin));
}

struct DeepLabCutHeader {
  std::size_t index = 1;  // columns before the first point
  std::vector<std::string> columns;
  std::string scorer;
};

// DeepLabCut writes commas. Error where the word scorer stands before another sign.
char deeplabcut_separator(const SourceText& source) {
  std::string_view text = utf8_text(source);
  const std::string_view line = take_line(text);
  const auto sign = line.find_first_of(",;\t|");
  if (sign != std::string_view::npos && line[sign] != ',')
    throw Error("the columns are separated by " +
                std::string(line[sign] == '\t' ? "tabs" : in_quotes(line.substr(sign, 1))) +
                ": DeepLabCut writes commas, and a point in decimals; save the table so")
        .at_line(source.name, 1);
  return ',';
}

// The column of one of an animal's points.
std::string deeplabcut_column(const std::string& animal, const std::string& part, const std::string& what) {
  const bool whole = animal.empty() || animal == "single";  // DeepLabCut's name for parts of no animal
  return (whole ? "" : animal + ".") + part + "." + what;
}

// The rows scorer, individuals (of several animals), bodyparts and coords.
DeepLabCutHeader read_deeplabcut_header(RowReader& reader, const std::string& source) {
  std::map<std::string, std::vector<std::string>> rows;
  while (rows.count("coords") == 0) {
    if (!reader.next() || rows.size() > 4)
      throw Error("must begin with the rows scorer, bodyparts and coords").at_line(source, reader.line());
    const auto fields = reader.fields();
    rows[std::string(fields[0])] = {fields.begin(), fields.end()};
  }
  const auto& coords = rows.at("coords");
  const auto parts = rows.find("bodyparts"), animals = rows.find("individuals"), scorers = rows.find("scorer");
  if (parts == rows.end()) throw Error("no row bodyparts before coords").at_line(source, reader.line());
  DeepLabCutHeader header;
  while (header.index < coords.size() && trim(coords[header.index]).empty()) ++header.index;
  for (std::size_t i = header.index; i < coords.size(); ++i) {
    const auto cell = [&](const std::vector<std::string>& row) -> std::string {
      if (i >= row.size()) throw Error("the header's rows are not of one width").at_line(source, reader.line());
      return row[i];
    };
    const std::string animal = animals == rows.end() ? "" : cell(animals->second);
    header.columns.push_back(deeplabcut_column(animal, cell(parts->second), coords[i]));
    if (std::find(header.columns.begin(), header.columns.end() - 1, header.columns.back()) + 1 != header.columns.end())
      throw Error("two columns are '" + header.columns.back() + "': give one of the body parts another name")
          .at_line(source, reader.line());
  }
  if (header.columns.empty()) throw Error("no point in the header").at_line(source, reader.line());
  if (scorers != rows.end() && header.index < scorers->second.size()) header.scorer = scorers->second[header.index];
  return header;
}

// The video of an analysed table: its file's name without the network's, which DeepLabCut puts behind it.
std::string analysed_video(const std::string& source, const std::string& scorer) {
  std::string name = file_stem(source);
  if (const auto at = name.find(scorer); !scorer.empty() && at != std::string::npos && at > 0) name.resize(at);
  return name;
}

// Names that stand twice are told apart: "", "#2", "#3".
std::string entity_name(const std::string& track, std::size_t again) {
  return again == 0 ? track : (track.empty() ? "instance" : track) + "#" + std::to_string(again + 1);
}

std::string point_column(const std::string& entity, const std::string& node, const char* what) {
  return (entity.empty() ? "" : entity + ".") + node + "." + what;
}

}  // namespace

std::vector<PoseTable> parse_deeplabcut_csv(const SourceText& source) {
  RowReader reader(utf8_text(source), source.name, deeplabcut_separator(source));
  const auto header = read_deeplabcut_header(reader, source.name);
  std::vector<PoseBuilder> videos;
  std::map<std::string, std::size_t> order;
  std::map<std::pair<std::string, std::int64_t>, std::uint64_t> lines;  // of frames
  while (reader.next()) try {
      const auto fields = reader.fields();
      if (fields.size() != header.index + header.columns.size())
        throw Error(std::to_string(fields.size()) + " fields, the header has " +
                    std::to_string(header.index + header.columns.size()));
      // An image in labeled-data/VIDEO, in one field or three; else the number of a frame.
      std::string path(fields[0]);
      for (std::size_t i = 1; i < header.index; ++i) path += "/" + std::string(fields[i]);
      std::replace(path.begin(), path.end(), '\\', '/');
      const auto slash = path.rfind('/');
      std::string video;
      std::int64_t frame = 0;
      if (slash == std::string::npos) {
        frame = whole_number(field_number(path, '.', "index"), path, "index");
        video = analysed_video(source.name, header.scorer);
      } else {
        frame = frame_of_image(std::string_view(path).substr(slash + 1));
        video = path.substr(0, slash);
        video.erase(0, video.rfind('/') + 1);
      }
      if (const auto [before, first] = lines.emplace(std::pair(video, frame), reader.line()); !first)
        throw Error("frame " + std::to_string(frame) + " of '" + video + "' stands in line " +
                    std::to_string(before->second) + " too: delete one of the rows, or make a file of each video")
            .at_field("index");
      const auto [known, fresh] = order.emplace(video, videos.size());
      if (fresh) videos.emplace_back(video);
      PoseBuilder& builder = videos[known->second];
      const std::size_t row = builder.row(frame);
      for (std::size_t i = 0; i < header.columns.size(); ++i) {
        const std::size_t column = builder.column(header.columns[i]);
        try {
          builder.set(row, column, point_number(fields[header.index + i]));
        } catch (Error& error) {
          throw error.at_field(header.columns[i]);
        }
      }
    } catch (Error& error) {
      throw error.at_line(source.name, reader.line());
    }
  std::vector<PoseTable> out;
  for (auto& builder : videos) out.push_back(builder.finish());
  return out;
}

std::vector<PoseTable> parse_sleap_csv(const SourceText& source) {
  const NamedTable table = parse_named_table(source);
  const int track = table.find({"track"}), frame = table.find({"frame_idx"});
  if (track < 0 || frame < 0)
    throw Error("needs the columns track and frame_idx").at_line(source.name, table.header_line);
  PoseBuilder builder(file_stem(source.name));
  std::map<std::pair<std::int64_t, std::string>, std::size_t> seen;
  for (const auto& line : table.rows) try {
      table.check_width(line);
      const std::int64_t number =
          whole_number(field_number(table.field(line, frame), '.', "frame_idx"), table.field(line, frame), "frame_idx");
      const std::string name = table.field(line, track);
      const std::string entity = entity_name(name, seen[{number, name}]++);
      const std::size_t row = builder.row(number);
      for (std::size_t i = 0; i < table.header.size(); ++i) {
        const std::string& column = table.header[i];
        if (static_cast<int>(i) == track || static_cast<int>(i) == frame || column == "instance.score") continue;
        builder.set(row, builder.column((entity.empty() ? "" : entity + ".") + column), point_number(line.fields[i]));
      }
    } catch (Error& error) {
      throw error.at_line(source.name, line.line);
    }
  return {builder.finish()};
}

namespace {

const Hdf5Dataset* find_dataset(const std::vector<Hdf5Dataset>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// SLEAP's export: tracks [tracks, 2, nodes, frames], point_scores [tracks, nodes, frames].
PoseTable sleap_analysis(const Hdf5File& file, const std::vector<Hdf5Dataset>& all, const std::string& path) {
  const auto shape = find_dataset(all, "tracks")->shape;
  if (shape.size() != 4 || shape[1] != 2) throw Error("'tracks' must be [tracks, 2, nodes, frames]").at_line(path, 0);
  const auto tracks = static_cast<std::size_t>(shape[0]), nodes = static_cast<std::size_t>(shape[2]),
             frames = static_cast<std::size_t>(shape[3]);
  const auto points = file.values("tracks");
  const auto names = file.texts("node_names");
  if (names.size() != nodes || points.size() != tracks * 2 * nodes * frames)
    throw Error("'tracks' and 'node_names' are of different sizes").at_line(path, 0);
  std::vector<std::string> entities(tracks);
  if (const auto* named = find_dataset(all, "track_names"); named && named->other == "text") {
    const auto given = file.texts("track_names");
    for (std::size_t t = 0; t < tracks && t < given.size(); ++t) entities[t] = given[t];
  }
  if (tracks > 1)
    for (std::size_t t = 0; t < tracks; ++t)
      if (entities[t].empty()) entities[t] = "track" + std::to_string(t);
  std::vector<double> scores;
  if (const auto* scored = find_dataset(all, "point_scores");
      scored && scored->shape == std::vector<std::int64_t>{shape[0], shape[2], shape[3]})
    scores = file.values("point_scores");
  PoseBuilder builder(file_stem(path));
  for (std::size_t f = 0; f < frames; ++f) builder.row(static_cast<std::int64_t>(f));
  for (std::size_t t = 0; t < tracks; ++t)
    for (std::size_t n = 0; n < nodes; ++n) {
      const std::string entity = tracks > 1 ? entities[t] : "";
      const std::size_t x = builder.column(point_column(entity, names[n], "x")),
                        y = builder.column(point_column(entity, names[n], "y"));
      const std::size_t score = scores.empty() ? 0 : builder.column(point_column(entity, names[n], "score"));
      for (std::size_t f = 0; f < frames; ++f) {
        builder.set(f, x, points[((t * 2 + 0) * nodes + n) * frames + f]);
        builder.set(f, y, points[((t * 2 + 1) * nodes + n) * frames + f]);
        if (!scores.empty()) builder.set(f, score, scores[(t * nodes + n) * frames + f]);
      }
    }
  return builder.finish();
}

// The fields of a data set by name.
class RecordFields {
 public:
  RecordFields(const Hdf5File& file, const std::string& dataset) : dataset_(dataset), fields_(file.fields(dataset)) {}
  std::size_t size() const {
    return fields_.empty() || fields_[0].width == 0 ? 0 : fields_[0].numbers.size() / fields_[0].width;
  }
  double at(const char* name, std::size_t row) const {
    for (const auto& field : fields_)
      if (field.name == name && field.width == 1) return field.numbers.at(row);
    throw Error("'" + dataset_ + "' has no field '" + name + "'");
  }

 private:
  std::string dataset_;
  std::vector<Hdf5Field> fields_;
};

// SLEAP's project: frames refer to ranges of instances, instances to ranges of points. A frame's user instances count,
// and of the predicted ones those that no user instance stands for (from_predicted).
std::vector<PoseTable> sleap_project(const Hdf5File& file, const std::string& path) {
  const RecordFields frames(file, "frames"), instances(file, "instances"), points(file, "points"),
      predicted(file, "pred_points");
  std::map<std::int64_t, PoseBuilder> videos;
  for (std::size_t f = 0; f < frames.size(); ++f) {
    const auto video = static_cast<std::int64_t>(frames.at("video", f));
    const std::string name = file_stem(path) + (video > 0 ? "." + std::to_string(video) : "");
    PoseBuilder& builder = videos.try_emplace(video, name).first->second;
    const std::size_t row = builder.row(static_cast<std::int64_t>(frames.at("frame_idx", f)));
    const auto begin = static_cast<std::size_t>(frames.at("instance_id_start", f)),
               end = static_cast<std::size_t>(frames.at("instance_id_end", f));
    if (begin > end || end > instances.size())
      throw Error("'frames' refers to instances that are not there").at_line(path, 0);
    std::set<std::int64_t> replaced;
    for (std::size_t i = begin; i < end; ++i)
      if (instances.at("instance_type", i) == 0)
        replaced.insert(static_cast<std::int64_t>(instances.at("from_predicted", i)));
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = begin; i < end; ++i) {
      const bool user = instances.at("instance_type", i) == 0;
      if (!user && replaced.count(static_cast<std::int64_t>(instances.at("instance_id", i)))) continue;
      const auto track = static_cast<std::int64_t>(instances.at("track", i));
      const std::string key = track < 0 ? "" : "track" + std::to_string(track);
      const std::string entity = entity_name(key, seen[key]++);
      const RecordFields& from = user ? points : predicted;
      const auto first = static_cast<std::size_t>(instances.at("point_id_start", i)),
                 last = static_cast<std::size_t>(instances.at("point_id_end", i));
      if (first > last || last > from.size())
        throw Error("'instances' refers to points that are not there").at_line(path, 0);
      for (std::size_t p = first; p < last; ++p) {
        const std::string node = "node" + std::to_string(p - first);
        const bool visible = from.at("visible", p) != 0;
        builder.set(row, builder.column(point_column(entity, node, "x")), visible ? from.at("x", p) : kMissing);
        builder.set(row, builder.column(point_column(entity, node, "y")), visible ? from.at("y", p) : kMissing);
      }
    }
  }
  std::vector<PoseTable> out;
  for (auto& [video, builder] : videos) out.push_back(builder.finish());
  return out;
}

// The names of columns as pandas pickles them (protocol 0, which PyTables asks for): a list of tuples of texts, those
// that stand twice by reference. nullopt for another pickle.
std::optional<std::vector<std::vector<std::string>>> pickled_names(std::string_view pickle) {
  struct Value {
    enum class Kind { kMark, kList, kTuple, kText } kind;
    std::vector<std::string> texts;
  };
  using Kind = Value::Kind;
  std::vector<Value> stack;
  std::map<std::string, Value, std::less<>> memo;
  std::vector<std::vector<std::string>> rows;
  while (!pickle.empty() && pickle.front() != '.') {
    const char code = pickle.front();
    pickle.remove_prefix(1);
    if (code == '(') {
      stack.push_back({Kind::kMark, {}});
    } else if (code == 'l' || code == 't') {
      Value made{code == 'l' ? Kind::kList : Kind::kTuple, {}};
      while (!stack.empty() && stack.back().kind == Kind::kText)
        made.texts.insert(made.texts.begin(), stack.back().texts[0]), stack.pop_back();
      if (stack.empty() || stack.back().kind != Kind::kMark || (code == 'l' && !made.texts.empty()))
        return std::nullopt;
      stack.back() = std::move(made);
    } else if (code == 'a') {
      if (stack.size() != 2 || stack[0].kind != Kind::kList || stack[1].kind != Kind::kTuple) return std::nullopt;
      rows.push_back(std::move(stack[1].texts));
      stack.pop_back();
    } else {
      const auto end = std::min(pickle.find('\n'), pickle.size());
      const std::string text(pickle.substr(0, end));
      pickle.remove_prefix(std::min(end + 1, pickle.size()));
      const bool plain = std::none_of(text.begin(), text.end(), [](char c) { return c == '\\' || c < 0; });
      if (code == 'V' && plain) stack.push_back({Kind::kText, {text}});
      else if (code == 'p' && !stack.empty()) memo.insert_or_assign(text, stack.back());
      else if (const auto known = memo.find(text); code == 'g' && known != memo.end()) stack.push_back(known->second);
      else return std::nullopt;
    }
  }
  if (rows.empty()) return std::nullopt;
  return rows;
}

// DeepLabCut's table as pandas writes it to HDF5: an index of frames or of images, columns, and the values row by row.
struct PandasTable {
  std::vector<double> frames;                   // or
  std::vector<std::string> images;              // their paths
  std::vector<std::vector<std::string>> names;  // scorer, (individuals,) bodyparts, coords of each column; none:
                                                // unknown
  std::size_t width = 0;
  std::vector<double> values;
};

// The layout "table" (PyTables): records of the index and a block of values, whose attribute names the columns.
PandasTable pandas_records(const Hdf5File& file, const std::string& dataset) {
  PandasTable out;
  std::string names;
  bool index = false;
  for (const auto& field : file.fields(dataset)) {
    if (field.name == "index") {
      if (field.width > 1) throw Error("'" + dataset + "' has an index of several numbers: save it as csv");
      index = true, out.frames = field.numbers, out.images = field.texts;
    } else if (out.width > 0) {
      throw Error("'" + dataset + "' has more than one block of values: save it as csv");
    } else {
      out.width = field.width, out.values = field.numbers;
      names = file.attribute(dataset, field.name + "_kind");
    }
  }
  if (!index || out.width == 0) throw Error("'" + dataset + "' has no index or no values");
  if (auto read = pickled_names(names); read && read->size() == out.width) out.names = std::move(*read);
  return out;
}

// The layout "fixed": arrays of the index (axis1), of the values, and of each level of the columns' names.
PandasTable pandas_arrays(const Hdf5File& file, const std::vector<Hdf5Dataset>& all, const std::string& group) {
  const auto other = [&](const std::string& what) {
    return Error("'" + group + "' " + what + ": save it as csv (pandas.read_hdf('FILE').to_csv('VIDEO.csv'))");
  };
  if (find_dataset(all, group + "block1_values")) throw other("has more than one block of values");
  const auto* index = find_dataset(all, group + "axis1");
  const auto* values = find_dataset(all, group + "block0_values");
  if (!index) throw other("has an index of several levels");
  PandasTable out;
  if (index->other == "text") out.images = file.texts(group + "axis1");
  else out.frames = file.values(group + "axis1");
  const std::size_t rows = std::max(out.frames.size(), out.images.size());
  out.values = file.values(group + "block0_values");
  if (values->shape.size() != 2 || values->shape[0] != static_cast<std::int64_t>(rows) || rows == 0)
    throw other("has another number of values than of frames");
  out.width = out.values.size() / rows;
  out.names.resize(out.width);
  for (int level = 0;; ++level) {
    const std::string name = group + "block0_items_level" + std::to_string(level);
    if (!find_dataset(all, name)) break;
    const auto texts = file.texts(name);
    const auto codes = file.values(group + "block0_items_label" + std::to_string(level));
    if (codes.size() != out.width) throw other("has another number of names than of columns");
    for (std::size_t c = 0; c < out.width; ++c) {
      if (!(codes[c] >= 0 && codes[c] < static_cast<double>(texts.size()))) throw other("has a column without a name");
      out.names[c].push_back(texts[static_cast<std::size_t>(codes[c])]);
    }
  }
  return out;
}

std::vector<PoseTable> pandas_poses(const PandasTable& table, const std::string& path) {
  std::vector<std::string> columns;
  std::string scorer;
  for (std::size_t c = 0; c < table.width; ++c) {
    const auto name = c < table.names.size() ? table.names[c] : std::vector<std::string>();
    const std::size_t levels = name.size();
    columns.push_back(levels == 3 || levels == 4
                          ? deeplabcut_column(levels == 4 ? name[1] : "", name[levels - 2], name[levels - 1])
                          : "column" + std::to_string(c));
    if (c == 0 && levels >= 3) scorer = name[0];
  }
  if (std::set<std::string>(columns.begin(), columns.end()).size() != columns.size())
    throw Error("two columns have one name: give one of the body parts another");
  std::vector<PoseBuilder> videos;
  std::map<std::string, std::size_t> order;
  const std::size_t rows = table.values.size() / table.width;
  for (std::size_t r = 0; r < rows; ++r) {
    std::string video = analysed_video(path, scorer);
    std::int64_t frame = 0;
    if (table.images.empty()) {
      frame = whole_number(table.frames.at(r), format_number(table.frames.at(r)), "index");
    } else {
      std::string image = table.images.at(r);
      std::replace(image.begin(), image.end(), '\\', '/');
      const auto slash = image.rfind('/');
      frame = frame_of_image(std::string_view(image).substr(slash == std::string::npos ? 0 : slash + 1));
      if (slash != std::string::npos) video = image.substr(0, slash), video.erase(0, video.rfind('/') + 1);
    }
    const auto [known, fresh] = order.emplace(video, videos.size());
    if (fresh) videos.emplace_back(video);
    PoseBuilder& builder = videos[known->second];
    const std::size_t row = builder.row(frame);
    for (std::size_t c = 0; c < table.width; ++c)
      builder.set(row, builder.column(columns[c]), table.values[r * table.width + c]);
  }
  std::vector<PoseTable> out;
  for (auto& builder : videos) out.push_back(builder.finish());
  return out;
}

std::string pandas_name(const std::vector<Hdf5Dataset>& all) {
  for (const auto& each : all)
    if (each.name == "table" || each.name.ends_with("/table")) return each.name;
  return "";
}

// Where arrays of a table in pandas' fixed layout are whose columns have names in several levels, as DeepLabCut's have:
// "df_with_missing/"; nullopt: there are none.
std::optional<std::string> pandas_group(const std::vector<Hdf5Dataset>& all) {
  constexpr std::string_view kValues = "block0_values";
  for (const auto& each : all) {
    if (each.name != kValues && !each.name.ends_with("/" + std::string(kValues))) continue;
    const std::string group = each.name.substr(0, each.name.size() - kValues.size());
    if (find_dataset(all, group + "block0_items_level2")) return group;
  }
  return std::nullopt;
}

enum class PoseFile { kNone, kAnalysis, kProject, kPandas, kPandasFixed };
PoseFile pose_kind(const std::vector<Hdf5Dataset>& all) {
  if (find_dataset(all, "tracks") && find_dataset(all, "node_names")) return PoseFile::kAnalysis;
  if (find_dataset(all, "instances") && find_dataset(all, "pred_points")) return PoseFile::kProject;
  if (pandas_group(all)) return PoseFile::kPandasFixed;
  return pandas_name(all).empty() ? PoseFile::kNone : PoseFile::kPandas;
}

bool is_hdf5(std::string_view head) { return head.starts_with("\x89HDF\r\n\x1a\n"); }

std::vector<PoseTable> read_file_of(const std::string& path) {
  if (path == "-") throw UsageError("pose tables are files, not stdin");
  if (is_hdf5(FileLook::of(path).head())) return read_pose_hdf5(path);
  const SourceText source = load_sources({path}, "").at(0);
  const auto begin = utf8_text(source).substr(0, 7);
  return begin.starts_with("scorer") || begin.starts_with("\"scorer") ? parse_deeplabcut_csv(source)
                                                                      : parse_sleap_csv(source);
}

// From the first to the last.
std::size_t frames_between(const PoseTable& table) {
  return table.frames.empty() ? 0 : static_cast<std::size_t>(table.frames.back() - table.frames.front() + 1);
}

// Whether a tracker left frames out in which it found nothing; a few frames of a long video are labelled images.
bool may_be_filled(const PoseTable& table) {
  const auto all = frames_between(table);
  return all > table.rows.size() && all / 2 <= table.rows.size();
}

// The frames that are left out as rows without a value.
PoseTable with_all_frames(PoseTable table) {
  PoseTable out{std::move(table.video), std::move(table.columns), {}, {}};
  std::size_t next = 0;
  for (std::int64_t frame = table.frames.front(); next < table.rows.size(); ++frame) {
    out.frames.push_back(frame);
    if (table.frames[next] == frame) out.rows.push_back(std::move(table.rows[next++]));
    else out.rows.emplace_back(out.columns.size(), std::numeric_limits<float>::quiet_NaN());
  }
  return out;
}

// The record of a video, its rows stored.
Record record_of(PoseTable table, const std::string& path, const ImportOptions& options, const ImportSink& sink) {
  Record record = Record::make(options.prefix.value_or("") + table.video);
  const VideoInfo info = known_of(record.video(), options);
  const auto fps = options.fps > 0 ? std::optional(options.fps) : info.fps;
  const bool fillable = fps && may_be_filled(table);
  if (fillable && options.features.non_finite != "fail") {
    const auto before = table.rows.size();
    table = with_all_frames(std::move(table));
    sink.note(record.video() + ": " + std::to_string(table.rows.size() - before) +
              " frames without a row, whose values are missing");
  }
  FeatureMatrix matrix;
  matrix.rows = static_cast<std::int64_t>(table.rows.size()),
  matrix.dim = static_cast<std::int64_t>(table.columns.size());
  for (const auto& row : table.rows) matrix.values.insert(matrix.values.end(), row.begin(), row.end());
  FeatureStream stream;
  stream.name = options.features.stream.empty() ? "pose" : options.features.stream;
  stream.classes = table.columns;
  const bool consecutive = !table.frames.empty() && frames_between(table) == table.rows.size();
  std::string frames;
  if (consecutive && fps) {
    stream.stride = stream.window = 1, stream.fps = Rate{*fps, 1};
    stream.offset = static_cast<double>(table.frames.front());
  } else {
    for (const auto frame : table.frames) frames += (frames.empty() ? "" : ",") + std::to_string(frame);
    sink.note(record.video() + ": " +
              (consecutive ? "the rows have no time without --fps"
                           : std::to_string(matrix.rows) + " frames with gaps between them: rows without a time" +
                                 (fillable ? " (--non-finite interpolate or zero fills the gaps)" : "")) +
              "; their frames are in the stream's member frames");
  }
  treat_non_finite(matrix, options.features, record.video(), stream.name, sink);
  if (!options.features.inline_data && options.features.out_dir.empty())
    throw UsageError(path + ": a pipe cannot read these rows where they are: give --out-dir DIR or --inline");
  store_rows(matrix, record.video(), options.features, stream);
  std::string json = feature_json(stream);
  if (!frames.empty()) json.insert(json.size() - 1, ",\"frames\":[" + frames + "]");
  set_info(record, info);
  record.set_feature(stream.name, json);
  return record;
}

}  // namespace

std::vector<PoseTable> read_pose_hdf5(const std::string& path) {
  try {
    const Hdf5File file(path);
    const auto all = file.datasets();
    switch (pose_kind(all)) {
      case PoseFile::kAnalysis: return {sleap_analysis(file, all, path)};
      case PoseFile::kProject: return sleap_project(file, path);
      case PoseFile::kPandas: return pandas_poses(pandas_records(file, pandas_name(all)), path);
      case PoseFile::kPandasFixed: return pandas_poses(pandas_arrays(file, all, *pandas_group(all)), path);
      case PoseFile::kNone: break;
    }
    throw Error("neither a table of pandas (DeepLabCut) nor tracks or instances (SLEAP) are in this file");
  } catch (Error& error) {
    throw error.at_line(path, 0);
  }
}

namespace {

// DeepLabCut writes a table twice, as .h5 and as .csv: one of them is enough.
void leave_out_twins(std::vector<std::string>& files, const Note& note) {
  const std::set<std::string> all(files.begin(), files.end());
  std::vector<std::string> left;
  for (const auto& file : files)
    if (file.ends_with(".h5") && all.count(std::string(without_ending(file, {".h5"})) + ".csv") > 0)
      left.push_back(file);
  std::erase_if(files, [&](const auto& file) { return std::find(left.begin(), left.end(), file) != left.end(); });
  if (!left.empty())
    note(std::to_string(left.size()) + (left.size() == 1 ? " file" : " files") +
         " left out beside a .csv of the same name, such as '" + left.front() + "'");
}

}  // namespace

void read_pose(const std::vector<std::string>& given, const ImportOptions& options, const ImportSink& sink) {
  prepare_output(options.features);
  auto paths = source_files(given, kPoseEndings, false, sink.note);
  leave_out_twins(paths, sink.note);
  std::map<std::string, std::string> files;
  for (const auto& path : paths) try {
      for (const auto& table : read_file_of(path)) {
        const auto [before, fresh] = files.emplace(table.video, path);
        if (!fresh)
          throw Error("'" + before->second + "' has poses of this video too: give one of them, or folders of their own")
              .at_video(table.video);
        Record record;
        try {
          record = record_of(table, path, options, sink);
        } catch (Error& error) {
          throw error.at_video(table.video);
        }
        sink.record(record);
      }
    } catch (Error& error) {
      sink.error(error.at_line(path, error.line()), path);
    }
}

Fit looks_like_pose(const FileLook& file) {
  if (is_hdf5(file.head()) && !file.path().empty() && have_hdf5()) try {
      return pose_kind(Hdf5File(file.path()).datasets()) == PoseFile::kNone ? Fit::kNone : Fit::kOwn;
    } catch (const Error&) {
      return Fit::kNone;
    }
  const auto lines = file.lines(4);
  const bool deeplabcut =
      lines.size() > 2 && lines[0].starts_with("scorer,") &&
      std::any_of(lines.begin(), lines.end(), [](auto line) { return line.starts_with("coords,"); });
  return deeplabcut || file.has_columns({"track", "frame_idx", "instance.score"}) ? Fit::kOwn : Fit::kNone;
}

}  // namespace tal
