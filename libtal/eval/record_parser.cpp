#include "libtal/eval/record_parser.h"

#include <simdjson.h>

#include <array>

#include "libtal/eval/events.h"
#include "libtal/io/json_check.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/member_names.h"

namespace tal::eval {

Block::Block() { labels.id(""), labels.id("Ambiguous"); }

void Block::clear() {
  text.clear(), lines.clear(), numbers.clear(), parsed.clear(), truths.clear(), predictions.clear();
}

namespace {

namespace sj = simdjson;

// The id of a label; the same label often comes many times in a row.
class LabelIds {
 public:
  std::uint32_t id(Names& names, std::string_view label) {
    if (&names != names_ || label != last_) names_ = &names, last_ = label, id_ = names.id(label);
    return id_;
  }

 private:
  const Names* names_ = nullptr;
  std::string last_;
  std::uint32_t id_ = 0;
};

bool read_segment(sj::ondemand::value& value, Segment& segment) {
  sj::ondemand::array pair;
  if (value.get_array().get(pair)) return false;
  std::array<double, 2> ends{};
  std::size_t n = 0;
  for (auto end : pair) {
    if (n == 2 || end.get_double().get(ends[n])) return false;
    ++n;
  }
  segment = {ends[0], ends[1]};
  return n == 2 && ends[0] <= ends[1];
}

// A member's name; false when it has escapes.
bool plain_name_of(sj::ondemand::field& field, std::string_view& name) {
  const char* const begin = field.key().raw();
  const char* quote = begin;
  while (*quote != '"' && *quote != '\\') ++quote;
  name = {begin, static_cast<std::size_t>(quote - begin)};
  return *quote == '"';
}

// A list or object that nobody asked for: it is checked as Record checks it.
bool is_json(sj::ondemand::value& value) {
  std::string_view text;
  if (sj::to_json_string(value).get(text)) return false;
  try {
    check_json(trim_json(text));
  } catch (const Error&) {
    return false;
  }
  return true;
}

// A field that nobody asked for. Skipping it does not look at plain values: Record does, at those that are no numbers.
bool is_usual(sj::ondemand::value& value) {
  sj::ondemand::json_type type;
  if (value.type().get(type)) return false;
  double number = 0;
  switch (type) {
    case sj::ondemand::json_type::number: return !value.get_double().get(number);
    case sj::ondemand::json_type::boolean:
    case sj::ondemand::json_type::null: return false;
    case sj::ondemand::json_type::string: return true;
    default: return is_json(value);
  }
}

// Whether an event whose time stands in `at` (point) or in `segment` is read.
bool is_wanted(bool point, Reads::Times times) {
  return times == Reads::Times::kEither || point == (times == Reads::Times::kPoints);
}

// A list of segments or points without the checks' messages; false: something is unusual, let careful() look. scores:
// it is the list of proposals.
template <class Add>
bool read_list(sj::ondemand::value& list, bool scores, const Reads& reads, MemberNames& names, Add&& add) {
  names.clear();
  sj::ondemand::array array;
  if (list.get_array().get(array)) return false;
  for (auto element : array) {
    sj::ondemand::object object;
    if (element.get_object().get(object)) return false;
    Segment segment;
    double score = 1;
    std::string_view label;
    bool has_segment = false, has_point = false, has_score = false, shown = true;
    names.open();
    for (auto member : object) {
      sj::ondemand::field field;
      if (std::move(member).get(field)) return false;
      std::string_view key;
      if (!plain_name_of(field, key) || !names.add(key)) return false;
      if (key == "segment") {
        if (!read_segment(field.value(), segment)) return false;
        has_segment = true;
      } else if (key == "score") {
        if (scores && field.value().get_double().get(score)) return false;
        has_score = true;
      } else if (key == "label") {
        if (field.value().get_string().get(label)) return false;
      } else if (key == "at") {
        if (field.value().get_double().get(segment.start)) return false;
        segment.end = segment.start, has_point = true;
      } else if (key == "visibility" && reads.times == Reads::Times::kPoints) {
        std::string_view text;
        if (field.value().get_string().get(text)) return false;
        shown = text != "not shown";
      } else {
        sj::ondemand::value value = field.value();
        sj::ondemand::json_type type;
        if (value.type().get(type)) return false;
        const bool opens = type == sj::ondemand::json_type::object || type == sj::ondemand::json_type::array;
        if (opens && !is_json(value)) return false;
      }
    }
    names.close();
    if (has_segment == has_point || !is_wanted(has_point, reads.times)) return false;
    if (scores && reads.scores && !has_score) return false;
    add(segment, score, label, shown);
  }
  return true;
}

bool read_text(sj::ondemand::value& value, std::string& out) {
  std::string_view text;
  if (value.get_string().get(text)) return false;
  out = text;
  return true;
}

// [num, den] is unusual too: Record reads it.
bool read_positive(sj::ondemand::value& value, double& out) { return !value.get_double().get(out) && out > 0; }

}  // namespace

struct RecordParser::Private {
  bool truth, predictions;
  Reads reads;
  sj::ondemand::parser parser{kMaxLineBytes + Block::kPadding};
  std::vector<std::string_view> keys;
  MemberNames names;
  LabelIds labels;
  Record record;

  // line: Block::kPadding readable bytes follow.
  ParsedLine parse(std::string_view line, Block& block) {
    ParsedLine out;
    const auto truths = block.truths.size(), predicted = block.predictions.size();
    const auto forget = [&] { block.truths.resize(truths), block.predictions.resize(predicted); };
    try {
      if (!fast(line, block, out)) {
        out = ParsedLine();
        forget();
        careful(line, block, out);
      }
    } catch (Error& error) {
      forget();
      out.error = std::make_unique<Error>(error);
    }
    out.truth_end = block.truths.size(), out.prediction_end = block.predictions.size();
    return out;
  }

  bool fast(std::string_view line, Block& block, ParsedLine& out) {
    sj::ondemand::document document;
    if (parser.iterate(sj::padded_string_view(line.data(), line.size(), line.size() + sj::SIMDJSON_PADDING))
            .get(document))
      return false;
    sj::ondemand::object object;
    if (document.get_object().get(object)) return false;
    keys.clear();
    for (auto member : object) {
      sj::ondemand::field field;
      if (std::move(member).get(field)) return false;
      std::string_view key;
      if (!new_key(field, key) || !read_field(key, field.value(), block, out)) return false;
    }
    return !out.video.empty() && document.current_location().error() == sj::OUT_OF_BOUNDS;
  }

  // The key's text; false when it has escapes or came before.
  bool new_key(sj::ondemand::field& field, std::string_view& key) {
    if (!plain_name_of(field, key)) return false;
    for (const auto& known : keys)
      if (known == key) return false;
    keys.push_back(key);
    return true;
  }

  bool read_field(std::string_view key, sj::ondemand::value& value, Block& block, ParsedLine& out) {
    if (key == "video") return read_text(value, out.video);
    if (key == "subset") return read_text(value, out.subset);
    if (key == "duration") return read_positive(value, out.duration);
    if (key == "fps") return read_positive(value, out.fps);
    if (key == "window") return false;  // careful() knows
    if (key == "proposals" && predictions) {
      out.has_predictions = true;
      return read_list(value, true, reads, names,
                       [&](const Segment& segment, double score, std::string_view label, bool) {
                         block.predictions.push_back({segment, score, labels.id(block.labels, label), 0});
                       });
    }
    if (key == "annotations" && truth) {
      out.has_truth = true;
      return read_list(value, false, reads, names,
                       [&](const Segment& segment, double, std::string_view label, bool shown) {
                         block.truths.push_back({segment, labels.id(block.labels, label), shown});
                       });
    }
    if (key == "proposals") return true;  // of the ground truth
    return is_usual(value);
  }

  // What fast() could not take: right but unusual, or wrong; then the messages are Record's.
  void careful(std::string_view line, Block& block, ParsedLine& out) {
    try {
      record.parse(line);
      out.video = record.video();
      if (reads.windows) out.window = window_of(record);
      else record.require_whole_video();
      out.duration = record.duration().value_or(0);
      if (const auto fps = record.fps()) out.fps = fps->value();
      out.subset = record.text("subset").value_or("");
      if (truth && record.has("annotations")) {
        out.has_truth = true;
        for (const auto& a : read_events(record, "annotations", reads))
          block.truths.push_back({a.segment, block.labels.id(a.label), a.shown});
      }
      if (predictions && record.has_proposals()) {
        out.has_predictions = true;
        for (const auto& p : read_events(record, "proposals", reads))
          block.predictions.push_back({p.segment, p.score, block.labels.id(p.label), 0});
      }
    } catch (Error& error) {
      throw error.at_video(record.video());
    }
  }
};

RecordParser::RecordParser(bool truth, bool predictions, const Reads& reads)
    : p_(new Private{truth, predictions, reads}) {}
RecordParser::~RecordParser() = default;

void RecordParser::parse(Block& block) {
  for (std::size_t i = 0; i < block.lines.size(); ++i) block.parsed.push_back(p_->parse(block.line(i), block));
}

}  // namespace tal::eval
