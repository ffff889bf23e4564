#include "libtal/io/record.h"

#include <simdjson.h>

#include <cmath>
#include <cstring>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/json_check.h"

namespace tal {
namespace {

namespace sj = simdjson;
using sj::ondemand::value;

constexpr std::size_t kParserPadding = sj::SIMDJSON_PADDING;
constexpr std::size_t kMaxLine = 1ull << 30;

// One parser per thread for each of the two levels: a record's line, and one field's value inside it.
sj::ondemand::parser& line_parser() {
  thread_local sj::ondemand::parser parser(kMaxLine + 64);
  return parser;
}
sj::ondemand::parser& field_parser() {
  thread_local sj::ondemand::parser parser(kMaxLine + 64);
  return parser;
}

[[noreturn]] void fail(sj::error_code code) {
  switch (code) {
    case sj::UTF8_ERROR: throw Error("not valid UTF-8");
    case sj::DEPTH_ERROR: throw Error("not valid JSON: nested too deeply");
    case sj::INCOMPLETE_ARRAY_OR_OBJECT: throw Error("not valid JSON: the line ends inside an array or object");
    case sj::UNCLOSED_STRING: throw Error("not valid JSON: a string is not closed");
    case sj::CAPACITY: throw Error("the line is longer than 1 GiB");
    case sj::EMPTY: throw Error("empty");
    default: throw Error(std::string("not valid JSON: ") + sj::error_message(code));
  }
}

template <class T>
T take(sj::simdjson_result<T>&& result) {
  T out;
  if (const auto code = std::move(result).get(out)) fail(code);
  return out;
}

// Nothing but white space is left behind the value.
bool at_end(sj::ondemand::document& document) { return document.current_location().error() == sj::OUT_OF_BOUNDS; }

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string shorten(std::string_view text) {
  text = trim_end(text);
  return text.size() > 40 ? std::string(text.substr(0, 40)) + "..." : std::string(text);
}

// The number at `v`; its text is returned too, for messages that quote the input.
double number_at(value& v, std::string_view& token) {
  token = trim_end(v.raw_json_token());
  double out = 0;
  if (v.get_double().get(out) || !std::isfinite(out)) throw Error("'" + shorten(token) + "' is not a finite number");
  return out;
}

// [start, end] in seconds. `first_bad` reversed segments are named with the texts of the input.
Segment segment_at(value& v, bool zero_length) {
  sj::ondemand::array array;
  if (v.get_array().get(array)) throw Error("must be [start, end], not '" + shorten(v.raw_json_token()) + "'");
  Segment segment;
  std::string_view tokens[2];
  std::size_t count = 0;
  for (auto element : array) {
    value number;
    if (const auto code = element.get(number)) fail(code);
    if (count == 2) throw Error("must have two numbers, [start, end]");
    (count == 0 ? segment.start : segment.end) = number_at(number, tokens[count]);
    ++count;
  }
  if (count != 2) throw Error("must have two numbers, [start, end]");
  if (segment.end < segment.start || (!zero_length && segment.end == segment.start))
    throw Error("end " + shorten(tokens[1]) + " is not after start " + shorten(tokens[0]));
  return segment;
}

bool opens_container(char c) { return c == '[' || c == '{'; }

// The text of a field's value; what stands inside lists and objects is not checked.
std::string_view raw_value(value& item, std::string_view key, const std::string& video) {
  const std::string_view token = trim_end(item.raw_json_token());
  try {
    if (!token.empty() && opens_container(token.front())) return trim_end(take(sj::to_json_string(item)));
    check_json(token);
    return token;
  } catch (Error& error) {
    throw error.at_field(key).at_video(video);
  }
}

std::string indexed(const char* name, std::size_t index, const char* member = nullptr) {
  std::string out = name + ("[" + std::to_string(index) + "]");
  if (member) (out += '.') += member;
  return out;
}

// Runs body; an Error gets the field name, a simdjson exception cannot happen (error codes only).
template <class Body>
auto in_field(const std::string& field, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (Error& error) {
    throw error.at_field(field);
  }
}

// Calls body(value) on the JSON text of one field. Text inside the record's line is followed by readable bytes; changed
// text is copied to get its padding.
template <class Body>
void with_value(std::string_view raw, bool padded, Body&& body) {
  std::string copy;
  if (!padded) {
    copy.reserve(raw.size() + kParserPadding);
    copy.assign(raw);
    raw = copy;
  }
  sj::ondemand::document document;
  if (const auto code =
          field_parser().iterate(sj::padded_string_view(raw.data(), raw.size(), raw.size() + kParserPadding)).get(document))
    fail(code);
  body(document);
  if (!at_end(document)) throw Error("not valid JSON");
}

// body(key, value) for every member of an object.
template <class Body>
void each_member(sj::ondemand::object& object, Body&& body) {
  for (auto member : object) {
    sj::ondemand::field field;
    if (const auto code = std::move(member).get(field)) fail(code);
    const auto key = field.key();
    value item = field.value();
    body(key, item);
  }
}

}  // namespace

struct Record::State {
  struct Field {
    std::string_view key;
    std::size_t begin, end;  // of the value, in `line`
    bool changed = false, removed = false;
    std::string text;  // the new value, or the value of an appended field
    std::string_view raw(const std::string& line) const {
      return changed ? std::string_view(text) : std::string_view(line).substr(begin, end - begin);
    }
  };
  std::string line;  // capacity at least size + padding
  std::vector<Field> fields;
  std::vector<std::string> appended_keys;
  std::size_t original = 0;  // fields[0, original) stand in `line`
  std::size_t close = 0;     // offset of the last '}'
  std::string video;
  std::deque<std::string> kept;
  bool modified = false;
  bool proposals_parsed = false;
  std::vector<Proposal> proposals;

  const Field* find(std::string_view key) const {
    for (const auto& field : fields)
      if (!field.removed && field.key == key) return &field;
    return nullptr;
  }

  void check(const Field& field) const {
    try {
      check_json(field.raw(line));
    } catch (Error& error) {
      throw error.at_field(field.key).at_video(video);
    }
  }

  // body(document) on the value of a field, if it is there; errors name field and video.
  template <class Body>
  void read(const char* key, Body&& body) const {
    const auto* field = find(key);
    if (!field) return;
    try {
      with_value(field->raw(line), !field->changed, body);
    } catch (Error& error) {
      throw error.at_field(key).at_video(video);
    }
  }

  // The objects of a list, each by body(object, index); errors name the element.
  template <class T, class Body>
  std::vector<T> objects(const char* key, Body&& body) const {
    std::vector<T> out;
    read(key, [&](sj::ondemand::document& document) {
      sj::ondemand::array array;
      if (document.get_array().get(array)) throw Error("must be a list");
      for (auto element : array) {
        in_field(indexed(key, out.size()), [&] {
          sj::ondemand::object object;
          if (element.get_object().get(object)) throw Error("must be an object");
          out.push_back(body(object, out.size()));
        });
      }
    });
    return out;
  }
};

Record::Record() : state_(std::make_unique<State>()) {}
Record::~Record() = default;
Record::Record(Record&&) noexcept = default;
Record& Record::operator=(Record&&) noexcept = default;

void Record::parse(std::string_view text) {
  State& s = *state_;
  s.fields.clear(), s.kept.clear(), s.video.clear(), s.proposals.clear();
  s.modified = s.proposals_parsed = false;
  text = trim_end(text);
  if (s.line.capacity() < text.size() + kParserPadding) {
    s.line.clear();
    s.line.reserve(text.size() + text.size() / 4 + kParserPadding);
  } else if (s.line.capacity() > (1u << 24) && s.line.capacity() / 16 > text.size()) {
    std::string().swap(s.line);  // do not keep one huge line's memory for the rest of the stream
    s.line.reserve(text.size() + kParserPadding);
  }
  s.line.assign(text);
  if (text.empty() || text.front() == '\0') throw Error("not a JSON object");
  auto& parser = line_parser();
  sj::ondemand::document document;
  if (const auto code = parser.iterate(sj::padded_string_view(s.line.data(), s.line.size(), s.line.size() + kParserPadding))
                            .get(document))
    fail(code);
  sj::ondemand::object object;
  if (const auto code = document.get_object().get(object)) {
    if (code == sj::INCOMPLETE_ARRAY_OR_OBJECT) throw Error("not valid JSON: the line does not end with the record's '}'");
    if (code != sj::INCORRECT_TYPE) fail(code);
    throw Error("not a JSON object but '" + shorten(s.line) + "'");
  }
  for (auto result : object) {
    sj::ondemand::field field;
    if (const auto code = std::move(result).get(field)) fail(code);
    std::string_view key = field.key().raw() ? std::string_view(field.key().raw()) : std::string_view();
    const char* key_begin = field.key().raw();
    const char* key_end = key_begin;
    bool escaped = false;
    while (*key_end != '"') {
      escaped |= *key_end == '\\';
      key_end += *key_end == '\\' ? 2 : 1;
    }
    key = std::string_view(key_begin, static_cast<std::size_t>(key_end - key_begin));
    if (escaped) key = keep(take(field.unescaped_key()));
    for (const auto& known : s.fields)
      if (known.key == key) throw Error("the key stands twice in the record").at_field(key).at_video(s.video);
    value item = field.value();
    if (key == "video") {
      std::string_view id;
      if (item.get_string().get(id)) throw Error("must be a string").at_field("video");
      if (id.empty()) throw Error("must not be empty").at_field("video");
      s.video = id;
      const char* begin = key_end;  // the value's text: from the next quote to its end
      begin = static_cast<const char*>(std::memchr(begin + 1, '"', s.line.data() + s.line.size() - begin - 1));
      const char* end = begin + 1;
      while (*end != '"') end += *end == '\\' ? 2 : 1;
      s.fields.push_back({key, static_cast<std::size_t>(begin - s.line.data()),
                          static_cast<std::size_t>(end + 1 - s.line.data())});
      continue;
    }
    const std::string_view raw = raw_value(item, key, s.video);
    const std::size_t begin = static_cast<std::size_t>(raw.data() - s.line.data());
    s.fields.push_back({key, begin, begin + raw.size()});
  }
  if (!at_end(document)) throw Error("not valid JSON: something follows the object").at_video(s.video);
  if (s.video.empty()) throw Error("missing").at_field("video");
  s.original = s.fields.size();
  s.close = s.line.rfind('}');
  // Nobody may ever ask for a field, so all are checked inside here, but for proposals: they are most of a record, and checked when they are read or written.
  for (const auto& field : s.fields) {
    if (field.key == "proposals" || !opens_container(s.line[field.begin])) continue;
    try {
      s.check(field);
    } catch (const Error&) {
      say_what_is_wrong(field.key);
      throw;
    }
  }
}

// The reader of a broken field names the place in it.
void Record::say_what_is_wrong(std::string_view key) const {
  if (key == "annotations") annotations(true);
  if (key == "classification") classification();
  if (key == "features") features();
}

Record Record::make(std::string_view video) {
  std::string line = "{\"video\":";
  append_json_string(line, video);
  line += '}';
  Record record;
  record.parse(line);
  return record;
}

const std::string& Record::video() const { return state_->video; }
bool Record::has(std::string_view key) const { return state_->find(key) != nullptr; }
bool Record::modified() const { return state_->modified; }
std::string_view Record::line() const { return state_->line; }

std::vector<std::string_view> Record::keys() const {
  std::vector<std::string_view> out;
  for (const auto& field : state_->fields)
    if (!field.removed) out.push_back(field.key);
  return out;
}

std::optional<std::string_view> Record::raw(std::string_view key) const {
  const auto* field = state_->find(key);
  if (!field) return std::nullopt;
  return field->raw(state_->line);
}

std::optional<double> Record::number(std::string_view key) const {
  const auto* field = state_->find(key);
  if (!field) return std::nullopt;
  const auto raw = field->raw(state_->line);
  try {
    return parse_number(raw.empty() || raw.front() == '+' ? std::string_view("?") : raw);
  } catch (const Error&) {
    throw Error("'" + shorten(raw) + "' is not a finite number").at_field(key).at_video(video());
  }
}

std::optional<std::string> Record::text(std::string_view key) const {
  const auto* field = state_->find(key);
  if (!field) return std::nullopt;
  std::string out;
  const auto raw = field->raw(state_->line);
  if (raw.empty() || raw.front() != '"') throw Error("must be a string").at_field(key).at_video(video());
  const std::string array = "[" + std::string(raw) + "]";  // on-demand wants a container to unescape from
  with_value(array, false, [&](sj::ondemand::document& document) {
    for (auto element : document.get_array()) {
      std::string_view view;
      if (element.get_string().get(view)) throw Error("not a valid string").at_field(key).at_video(video());
      out = view;
    }
  });
  return out;
}

std::optional<double> Record::duration() const {
  const auto value = number("duration");
  if (value && !(*value > 0)) throw Error("must be positive, not " + format_number(*value)).at_field("duration").at_video(video());
  return value;
}

namespace {

Rate parse_rate(std::string_view raw) {
  Rate rate;
  raw = trim_end(raw);
  if (!raw.empty() && raw.front() == '[' && raw.back() == ']') {
    const auto comma = raw.find(',');
    if (comma == std::string_view::npos) throw Error("must be a number or [num, den]");
    auto strip = [](std::string_view text) {
      while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
      return trim_end(text);
    };
    rate.num = parse_number(strip(raw.substr(1, comma - 1)));
    rate.den = parse_number(strip(raw.substr(comma + 1, raw.size() - comma - 2)));
  } else {
    rate.num = parse_number(raw);
  }
  if (!(rate.num > 0) || !(rate.den > 0) || !std::isfinite(rate.value())) throw Error("must be a positive rate");
  return rate;
}

}  // namespace

std::optional<Rate> Record::fps() const {
  const auto raw_text = raw("fps");
  if (!raw_text) return std::nullopt;
  try {
    return parse_rate(*raw_text);
  } catch (Error& error) {
    throw error.at_field("fps").at_video(video());
  }
}

double Record::require_duration() const {
  const auto value = duration();
  if (!value) throw Error("missing; this step needs the video's length in seconds").at_field("duration").at_video(video());
  return *value;
}

void Record::require_whole_video() const {
  if (has("window"))
    throw Error("the record is one window of a live stream; this step needs the whole video").at_field("window").at_video(video());
}

std::vector<Annotation> Record::annotations(bool zero_length) const {
  return state_->objects<Annotation>("annotations", [&](sj::ondemand::object& object, std::size_t index) {
    Annotation annotation;
    bool has_segment = false;
    each_member(object, [&](const auto& key, value& item) {
      if (key == "segment") {
        annotation.segment = in_field(indexed("annotations", index, "segment"), [&] { return segment_at(item, zero_length); });
        has_segment = true;
      } else if (key == "label") {
        std::string_view label;
        if (item.get_string().get(label)) throw Error("must be a string").at_field(indexed("annotations", index, "label"));
        annotation.label = label;
      }
    });
    if (!has_segment) throw Error("missing").at_field(indexed("annotations", index, "segment"));
    return annotation;
  });
}

std::vector<ClassScore> Record::classification() const {
  return state_->objects<ClassScore>("classification", [](sj::ondemand::object& object, std::size_t) {
    ClassScore entry;
    bool has_label = false, has_score = false;
    each_member(object, [&](const auto& key, value& item) {
      if (key == "label") {
        std::string_view label;
        if (item.get_string().get(label)) throw Error("label must be a string");
        entry.label = label, has_label = true;
      } else if (key == "score") {
        std::string_view token;
        entry.score = number_at(item, token), has_score = true;
      }
    });
    if (!has_label || !has_score) throw Error("needs a label and a score");
    return entry;
  });
}

namespace {

void set_member(FeatureStream& stream, std::string_view key, value& item) {
  const auto text = [&] {
    std::string_view view;
    if (item.get_string().get(view)) throw Error("must be a string");
    return std::string(view);
  };
  const auto number = [&] {
    std::string_view token;
    return number_at(item, token);
  };
  const auto count = [&] {
    const double n = number();
    if (n < 0 || n != std::floor(n) || n > 1e12) throw Error("must be a whole number");
    return static_cast<std::int64_t>(n);
  };
  if (key == "path") stream.path = text();
  else if (key == "data") stream.data = text();
  else if (key == "dtype") stream.dtype = text();
  else if (key == "resample") stream.resample = text();
  else if (key == "weights") stream.weights = text();
  else if (key == "rows") stream.rows = count();
  else if (key == "dim") stream.dim = count();
  else if (key == "stride") stream.stride = number();
  else if (key == "window") stream.window = number();
  else if (key == "offset") stream.offset = number();
  else if (key == "last_start") stream.last_start = number();
  else if (key == "fps") stream.fps = parse_rate(take(sj::to_json_string(item)));
  else if (key == "classes") {
    sj::ondemand::array names;
    if (item.get_array().get(names)) throw Error("must be a list");
    for (auto name : names) {
      std::string_view view;
      if (name.get_string().get(view)) throw Error("must be strings");
      stream.classes.emplace_back(view);
    }
  }
}

FeatureStream stream_at(std::string name, value& item) {
  FeatureStream stream;
  stream.name = std::move(name);
  sj::ondemand::object object;
  if (item.get_object().get(object)) throw Error("must be an object");
  stream.text = trim_end(take(object.raw_json()));
  object.reset();
  for (auto member : object) {
    sj::ondemand::field field;
    if (const auto code = std::move(member).get(field)) fail(code);
    const std::string key(take(field.unescaped_key()));
    value entry = field.value();
    in_field("features." + stream.name + "." + key, [&] { set_member(stream, key, entry); });
  }
  if (stream.path.empty() && stream.data.empty() && stream.rows != 0) throw Error("needs path or data");
  return stream;
}

}  // namespace

std::vector<FeatureStream> Record::features() const {
  std::vector<FeatureStream> out;
  state_->read("features", [&](sj::ondemand::document& document) {
    sj::ondemand::object streams;
    if (document.get_object().get(streams)) throw Error("must be an object of streams");
    for (auto member : streams) {
      sj::ondemand::field field;
      if (const auto code = std::move(member).get(field)) fail(code);
      std::string name(take(field.unescaped_key()));
      value item = field.value();
      in_field("features." + name, [&] { out.push_back(stream_at(name, item)); });
    }
  });
  return out;
}

namespace {

// The text of the string token at `token` (which begins with a quote) without its quotes; nullopt when it has escapes.
std::optional<std::string_view> plain_string(std::string_view token) {
  token = trim_end(token);
  if (token.size() < 2 || token.front() != '"' || token.back() != '"') return std::nullopt;
  const auto inside = token.substr(1, token.size() - 2);
  if (std::memchr(inside.data(), '\\', inside.size())) return std::nullopt;
  return inside;
}

}  // namespace

const std::vector<Proposal>& Record::proposals() const {
  State& s = *state_;
  if (s.proposals_parsed) return s.proposals;
  s.proposals.clear();
  const auto* field = s.find("proposals");
  if (!field) return s.proposals;
  // Sources point into the text, so changed text must live (padded) in the record too.
  std::string_view raw = field->raw(s.line);
  if (field->changed) {
    s.kept.emplace_back();
    s.kept.back().reserve(raw.size() + kParserPadding);
    s.kept.back().assign(raw);
    raw = s.kept.back();
  }
  auto* self = const_cast<Record*>(this);
  std::size_t index = 0;
  const char* member_name = nullptr;
  try {
    with_value(raw, true, [&](sj::ondemand::document& document) {
      sj::ondemand::array array;
      if (document.get_array().get(array)) throw Error("must be a list").at_field("proposals");
      for (auto element : array) {
        member_name = nullptr;
        value holder;
        if (const auto code = element.get(holder)) fail(code);
        const char* begin = holder.raw_json_token().data();
        sj::ondemand::object object;
        if (holder.get_object().get(object)) throw Error("must be an object");
        Proposal proposal;
        auto& source = proposal.source;
        bool has_segment = false;
        const auto offset = [&](const char* at) { return static_cast<std::uint32_t>(at - begin); };
        each_member(object, [&](const auto& key, value& item) {
          if (key == "segment") {
            member_name = "segment";
            source.segment_begin = offset(item.raw_json_token().data());
            proposal.segment = segment_at(item, true);
            const char* end = nullptr;
            if (const auto code = document.current_location().get(end)) fail(code);
            while (*--end != ']') {}
            source.segment_end = offset(end + 1);
            has_segment = true;
          } else if (key == "score") {
            member_name = "score";
            std::string_view token;
            proposal.score = number_at(item, token);
            source.score_begin = offset(token.data()), source.score_end = offset(token.data() + token.size());
          } else if (key == "label") {
            member_name = "label";
            const std::string_view token = trim_end(item.raw_json_token());
            std::string_view text;
            if (const auto plain = plain_string(token)) {
              proposal.label = *plain;
            } else {
              if (item.get_string().get(text)) throw Error("must be a string");
              proposal.label = self->keep(text);
            }
            source.label_begin = offset(token.data()), source.label_end = offset(token.data() + token.size());
          } else {
            check_json(trim_end(take(sj::to_json_string(item))));
          }
          member_name = nullptr;
        });
        if (!has_segment) {
          member_name = "segment";
          throw Error("missing");
        }
        const char* end = nullptr;
        if (const auto code = document.current_location().get(end)) fail(code);
        while (*--end != '}') {}
        source.text = std::string_view(begin, static_cast<std::size_t>(end + 1 - begin));
        source.segment = proposal.segment, source.score = proposal.score, source.label = proposal.label;
        s.proposals.push_back(proposal);
        ++index;
      }
    });
  } catch (Error& error) {
    s.proposals.clear();
    throw error.at_field(indexed("proposals", index, member_name)).at_video(video());
  }
  s.proposals_parsed = true;
  return s.proposals;
}

const std::vector<Proposal>& Record::require_proposals() const {
  if (!has_proposals()) throw Error("missing; this step needs proposals").at_field("proposals").at_video(video());
  return proposals();
}

void Record::set_raw(std::string_view key, std::string json) {
  State& s = *state_;
  s.modified = true;
  if (key == "video") throw Error("the video id of a record cannot be changed; make a new record");
  for (auto& field : s.fields) {
    if (field.key != key) continue;
    field.changed = true, field.removed = false;
    field.text = std::move(json);
    return;
  }
  State::Field field{keep(key), 0, 0};
  field.changed = true;
  field.text = std::move(json);
  s.fields.push_back(std::move(field));
}

void Record::set_number(std::string_view key, double number_value) {
  try {
    set_raw(key, format_number(number_value));
  } catch (Error& error) {
    throw error.at_field(key).at_video(video());
  }
}

void Record::set_text(std::string_view key, std::string_view text_value) {
  std::string json;
  append_json_string(json, text_value);
  set_raw(key, std::move(json));
}

void Record::set_proposals(const std::vector<Proposal>& proposals) {
  std::string json;
  json.reserve(proposals.size() * 64 + 2);
  try {
    append_proposals(json, proposals);
  } catch (Error& error) {
    throw error.at_field("proposals").at_video(video());
  }
  set_raw("proposals", std::move(json));
  state_->proposals_parsed = false;
}

void Record::set_annotations(const std::vector<Annotation>& annotations) {
  std::string json;
  append_annotations(json, annotations);
  set_raw("annotations", std::move(json));
}

void Record::set_classification(const std::vector<ClassScore>& scores) {
  std::string json = "[";
  for (const auto& entry : scores) {
    if (json.size() > 1) json += ',';
    json += "{\"label\":";
    append_json_string(json, entry.label);
    json += ",\"score\":";
    append_number(json, entry.score);
    json += '}';
  }
  json += ']';
  set_raw("classification", std::move(json));
}

void Record::set_feature(std::string_view name, std::string_view object) {
  std::string json = "{";
  bool done = false;
  for (const auto& stream : features()) {
    if (json.size() > 1) json += ',';
    append_json_string(json, stream.name);
    json += ':';
    if (stream.name == name) {
      json += object;
      done = true;
    } else {
      json += stream.text;
    }
  }
  if (!done) {
    if (json.size() > 1) json += ',';
    append_json_string(json, name);
    json += ':';
    json += object;
  }
  json += '}';
  set_raw("features", std::move(json));
}

void Record::remove(std::string_view key) {
  if (key == "video") return;
  for (auto& field : state_->fields)
    if (field.key == key) field.removed = true, state_->modified = true;
}

void Record::append_history(std::string_view entry) {
  if (entry.empty()) return;
  const auto* field = state_->find("history");
  if (!field) return set_raw("history", "[" + std::string(entry) + "]");
  const std::string_view now = field->raw(state_->line);
  if (now.front() != '[') throw Error("must be a list").at_field("history").at_video(video());
  std::string json(now.substr(0, now.rfind(']')));
  while (json.back() == ' ') json.pop_back();
  if (json.back() != '[') json += ',';
  json += entry;
  json += ']';
  set_raw("history", std::move(json));
}

std::string_view Record::keep(std::string_view text) {
  auto& kept = state_->kept;
  // The last few: labels repeat, and a linear scan of everything would be quadratic.
  const std::size_t recent = std::min<std::size_t>(kept.size(), 8);
  for (std::size_t i = 0; i < recent; ++i)
    if (kept[kept.size() - 1 - i] == text) return kept[kept.size() - 1 - i];
  return kept.emplace_back(text);
}

void Record::write(std::string& out) const {
  const State& s = *state_;
  if (const auto* proposals = s.find("proposals"); proposals && !proposals->changed && !s.proposals_parsed) s.check(*proposals);
  if (!s.modified) {
    out += s.line;
    return;
  }
  bool any_removed = false;
  for (const auto& field : s.fields) any_removed |= field.removed;
  if (any_removed) {  // commas move: write the fields anew, each value byte for byte
    out += '{';
    bool first = true;
    for (const auto& field : s.fields) {
      if (field.removed) continue;
      if (!first) out += ',';
      first = false;
      append_json_string(out, field.key);
      out += ':';
      out += field.raw(s.line);
    }
    out += '}';
    return;
  }
  const std::string_view line = s.line;
  std::size_t at = 0;
  for (std::size_t i = 0; i < s.original; ++i) {
    const auto& field = s.fields[i];
    if (!field.changed) continue;
    out += line.substr(at, field.begin - at);
    out += field.text;
    at = field.end;
  }
  std::string_view rest = line.substr(at, s.close - at);
  out += s.fields.size() > s.original ? trim_end(rest) : rest;
  for (std::size_t i = s.original; i < s.fields.size(); ++i) {
    out += ',';
    append_json_string(out, s.fields[i].key);
    out += ':';
    out += s.fields[i].text;
  }
  out += '}';
}

std::string Record::str() const {
  std::string out;
  write(out);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.data() + plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += "\\u00", out += kHex[c >> 4], out += kHex[c & 15];
    }
  }
  out.append(text.data() + plain, text.size() - plain);
  out += '"';
}

namespace {

void append_segment(std::string& out, const Segment& segment) {
  out += '[';
  append_number(out, segment.start);
  out += ',';
  append_number(out, segment.end);
  out += ']';
}

}  // namespace

void append_proposal(std::string& out, const Proposal& p) {
  const auto& source = p.source;
  if (source.text.empty()) {
    out += "{\"segment\":";
    append_segment(out, p.segment);
    out += ",\"score\":";
    append_number(out, p.score);
    if (!p.label.empty()) {
      out += ",\"label\":";
      append_json_string(out, p.label);
    }
    if (!p.extra.empty()) (out += ',') += p.extra;
    out += '}';
    return;
  }
  // Splice: only what changed is written anew. The members may stand in any order, so the (at most three) edits are sorted.
  struct Edit {
    std::uint32_t begin, end;
    int what;
  };
  Edit edits[3];
  int count = 0;
  bool add_score = false, add_label = false;
  if (!(p.segment == source.segment)) edits[count++] = {source.segment_begin, source.segment_end, 0};
  if (p.score != source.score) {
    if (source.score_end) edits[count++] = {source.score_begin, source.score_end, 1};
    else add_score = true;
  }
  if (p.label.data() != source.label.data() && p.label != source.label) {
    if (source.label_end) edits[count++] = {source.label_begin, source.label_end, 2};
    else add_label = true;
  }
  for (int i = 1; i < count; ++i)
    for (int j = i; j > 0 && edits[j].begin < edits[j - 1].begin; --j) std::swap(edits[j], edits[j - 1]);
  std::size_t at = 0;
  for (int i = 0; i < count; ++i) {
    out.append(source.text.data() + at, edits[i].begin - at);
    if (edits[i].what == 0) append_segment(out, p.segment);
    if (edits[i].what == 1) append_number(out, p.score);
    if (edits[i].what == 2) append_json_string(out, p.label);
    at = edits[i].end;
  }
  if (!add_score && !add_label && p.extra.empty()) {
    out.append(source.text.data() + at, source.text.size() - at);
    return;
  }
  out += trim_end(source.text.substr(at, source.text.size() - at - 1));
  if (add_score) {
    out += ",\"score\":";
    append_number(out, p.score);
  }
  if (add_label) {
    out += ",\"label\":";
    append_json_string(out, p.label);
  }
  if (!p.extra.empty()) (out += ',') += p.extra;
  out += '}';
}

void append_proposals(std::string& out, const std::vector<Proposal>& proposals) {
  out += '[';
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    if (i > 0) out += ',';
    append_proposal(out, proposals[i]);
  }
  out += ']';
}

void append_annotations(std::string& out, const std::vector<Annotation>& annotations) {
  out += '[';
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    if (i > 0) out += ',';
    out += "{\"segment\":";
    append_segment(out, annotations[i].segment);
    if (!annotations[i].label.empty()) {
      out += ",\"label\":";
      append_json_string(out, annotations[i].label);
    }
    out += '}';
  }
  out += ']';
}

std::vector<std::pair<std::string, double>> proposal_scores(const Proposal& proposal) {
  std::vector<std::pair<std::string, double>> out;
  if (proposal.source.text.empty()) return out;
  with_value(proposal.source.text, false, [&](sj::ondemand::document& document) {
    sj::ondemand::object scores;
    const auto code = document["scores"].get_object().get(scores);
    if (code == sj::NO_SUCH_FIELD) return;
    if (code) throw Error("must be an object").at_field("scores");
    for (auto member : scores) {
      sj::ondemand::field entry;
      if (const auto bad = std::move(member).get(entry)) fail(bad);
      std::string name(take(entry.unescaped_key()));
      value item = entry.value();
      std::string_view token;
      const double score = in_field("scores." + name, [&] { return number_at(item, token); });
      out.emplace_back(std::move(name), score);
    }
    // Leave the document at its end for the caller's check.
    (void)document.rewind();
    (void)sj::to_json_string(document);
  });
  return out;
}

}  // namespace tal
