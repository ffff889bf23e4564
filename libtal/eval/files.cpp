#include "libtal/eval/files.h"

#include "libtal/base/number.h"
#include "libtal/eval/report.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/record.h"

namespace tal::eval {
namespace {

void append_cells(std::string& out, std::initializer_list<double> values) {
  for (const double value : values) out += ',', append_number(out, value);
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string recall_curves(const ProposalResult& curve, const std::vector<double>& tiou) {
  std::string out = "an,ar";
  for (const double t : tiou) out += ",recall@" + format_number(settled(t));
  out += '\n';
  for (std::size_t j = 0; j < curve.an.size(); ++j) {
    append_number(out, curve.an[j]);
    append_cells(out, {curve.ar[j]});
    for (const auto& recall : curve.recall) append_cells(out, {recall[j]});
    out += '\n';
  }
  return out;
}

std::string precision_curves(const Evaluated& run, const std::vector<double>& tiou) {
  const Selection& s = *run.selection;
  std::string out = "label,tiou,score,recall,precision\n";
  for (std::size_t c = 0; c < s.class_label.size(); ++c) {
    const std::string label = quoted(s.data->labels.text(s.class_label[c]));
    for (std::size_t t = 0; t < tiou.size(); ++t) {
      const Mask bit = Mask(1) << t;
      double hits = 0, count = 0;
      for (const auto& entry : run.matched.classes[c]) {
        if (entry.ignored & bit) continue;
        ++count;
        if (!(entry.hit & bit)) continue;
        ++hits;
        out += label;
        append_cells(out, {settled(tiou[t]), s.data->predictions[entry.prediction].score,
                           hits / static_cast<double>(s.class_instances[c]), hits / count});
        out += '\n';
      }
    }
  }
  return out;
}

void append_prediction(std::string& out, const Dataset& data, const Prediction& p, Kind kind) {
  out += "{\"segment\":[", append_number(out, p.segment.start);
  append_cells(out, {p.segment.end});
  out += "],\"score\":", append_number(out, p.score);
  if (p.label != kNoLabel) out += ",\"label\":", append_json_string(out, data.labels.text(p.label));
  out += std::string(",\"diagnosis\":\"") + kKindNames[static_cast<std::size_t>(kind)] + "\"}";
}

}  // namespace

void write_curves(const std::string& path, const Evaluated& run, const Protocol& p) {
  AtomicFile file(path);
  file.write(p.proposals ? recall_curves(run.curve, p.tiou) : precision_curves(run, p.tiou));
  file.commit();
}

void write_kinds(const std::string& path, const Dataset& data, const Diagnosis& d) {
  AtomicFile file(path);
  std::string line;
  for (std::uint32_t id = 0; id < data.videos.size(); ++id) {
    const auto mine = data.predictions_of(id);
    if (mine.empty()) continue;
    line = "{\"video\":";
    append_json_string(line, data.video_names.text(id));
    line += ",\"proposals\":[";
    for (std::size_t i = 0; i < mine.size(); ++i) {
      if (i > 0) line += ',';
      append_prediction(line, data, data.predictions[mine[i]], d.kinds.front()[mine[i]]);
    }
    line += "]}\n";
    file.write(line);
  }
  file.commit();
}

}  // namespace tal::eval
