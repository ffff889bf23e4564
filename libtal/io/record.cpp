// The line and its fields: taking a line apart, fields as they stand, and the line with its changes.
#include <algorithm>
#include <cstring>

#include "libtal/base/error.h"
#include "libtal/io/json_advice.h"
#include "libtal/io/record_parts.h"

namespace tal {

using namespace record_parts;

namespace {

constexpr std::size_t kHugeLine = std::size_t{1} << 24;

// The text of a field's value; what stands inside lists and objects is not checked.
std::string_view raw_value(JsonValue& item, std::string_view key, const std::string& video) {
  const std::string_view token = trim_end(item.raw_json_token());
  try {
    if (!token.empty() && opens_container(token.front())) return trim_end(take(sj::to_json_string(item)));
    check_json(token);
    return token;
  } catch (Error& error) {
    throw error.at_field(key).at_video(video);
  }
}

// The end of a string token whose first character behind the quote is at `at`: its closing quote.
const char* closing_quote(const char* at) {
  while (*at != '"') at += *at == '\\' ? 2 : 1;
  return at;
}

// The record's object, which its line must be.
JsonObject object_of(JsonDocument& document, std::string_view line) {
  JsonObject object;
  const auto code = document.get_object().get(object);
  if (code == sj::INCOMPLETE_ARRAY_OR_OBJECT)
    throw Error("not valid JSON: the line does not end with the record's '}'");
  if (code == sj::INCORRECT_TYPE) throw Error("not a JSON object but '" + shorten(line) + "'");
  if (code) fail(code);
  return object;
}

}  // namespace

Record::Record() : state_(std::make_unique<State>()) {}
Record::~Record() = default;
Record::Record(Record&&) noexcept = default;
Record& Record::operator=(Record&&) noexcept = default;

void Record::State::check(const Field& field) const {
  try {
    check_json(field.raw(line), field.key, repeated_keys);
  } catch (Error& error) {
    if (!field.changed && error.message().starts_with("not valid JSON"))
      if (auto fault = json_fault(line); fault && fault->kind() == error.kind())
        throw fault->at_video(video);  // column
    throw error.at_field(field.key).at_video(video);
  }
}

Error Record::State::placed(const Error& error) const {
  if (error.message() != kBrokenJson) return error;
  const auto fault = json_fault(line);
  return fault ? *fault : error;
}

void Record::State::hold(std::string_view text) {
  fields.clear(), kept.clear(), kept_scores.clear(), video.clear(), proposals.clear();
  modified = made = proposals_parsed = false;
  if (line.capacity() < text.size() + kParserPadding) {
    line.clear();
    line.reserve(text.size() + text.size() / 4 + kParserPadding);
  } else if (line.capacity() > kHugeLine && line.capacity() / 16 > text.size()) {
    std::string().swap(line);  // do not keep one huge line's memory for the rest of the stream
    line.reserve(text.size() + kParserPadding);
  }
  line.assign(text);
}

void Record::State::scan() {
  if (line.empty() || line.front() == '\0') throw Error("not a JSON object");
  JsonDocument document;
  const sj::padded_string_view text(line.data(), line.size(), line.size() + kParserPadding);
  if (const auto code = line_parser().iterate(text).get(document)) fail(code);
  JsonObject object = object_of(document, line);
  for (auto result : object) {
    sj::ondemand::field field;
    if (const auto code = std::move(result).get(field)) fail(code);
    scan_field(field);
  }
  if (!at_end(document)) throw Error("not valid JSON: something follows the object").at_video(video);
  if (video.empty()) throw Error("missing").at_field("video");
  original = fields.size();
  close = line.rfind('}');
}

void Record::State::scan_field(sj::ondemand::field& field) {
  const char* const key_begin = field.key().raw();
  const char* const key_end = closing_quote(key_begin);
  std::string_view key(key_begin, static_cast<std::size_t>(key_end - key_begin));
  if (key.find('\\') != std::string_view::npos) key = keep(take(field.unescaped_key()));
  for (const auto& known : fields)
    if (known.key == key)
      throw Error("the key stands twice in the record", Error::Kind::kRepeatedKey).at_field(key).at_video(video);
  JsonValue item = field.value();
  const auto offset = [&](const char* at) { return static_cast<std::size_t>(at - line.data()); };
  if (key == "video") {
    const std::string_view id = in_field("video", [&] { return string_at(item); });
    if (id.empty()) throw Error("must not be empty").at_field("video");
    video = id;
    const auto* begin = static_cast<const char*>(std::memchr(key_end + 1, '"', line.size() - offset(key_end) - 1));
    fields.push_back({key, offset(begin), offset(closing_quote(begin + 1) + 1)});
    return;
  }
  const std::string_view raw = raw_value(item, key, video);
  fields.push_back({key, offset(raw.data()), offset(raw.data() + raw.size())});
}

std::string_view Record::State::keep(std::string_view text) {
  // The last few: labels repeat, and a linear scan of everything would be quadratic.
  const std::size_t recent = std::min<std::size_t>(kept.size(), 8);
  for (std::size_t i = 0; i < recent; ++i)
    if (kept[kept.size() - 1 - i] == text) return kept[kept.size() - 1 - i];
  return kept.emplace_back(text);
}

void Record::parse(std::string_view text) {
  State& s = *state_;
  s.hold(trim_end(text));
  try {
    s.scan();
  } catch (const Error& error) {
    const auto fault = error.message() == kBrokenJson ? json_fault(s.line) : std::nullopt;
    if (!fault && error.kind() == Error::Kind::kOther && error.field().empty() && s.line.starts_with('{'))
      if (auto known = advised_fault(s.line)) throw known->at_video(s.video);
    const std::string hint = s.video.empty() || s.line.ends_with(',') ? record_advice(s.line) : "";
    if (hint.empty() && !fault) throw;
    const Error& known = fault ? *fault : error;
    throw Error(known.message() + hint, known.kind()).at_field(known.field()).at_field(error.field()).at_video(s.video);
  }
  // Nobody may ever ask for a field, so all are checked inside here, but for proposals: they are most of a record, and
  // checked when they are read or written.
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
  record.state_->made = true;
  return record;
}

void Record::take_repeated_keys() { state_->repeated_keys = true; }
void Record::look_in(std::shared_ptr<const FilePlaces> places) { state_->places = std::move(places); }
const std::shared_ptr<const FilePlaces>& Record::places() const { return state_->places; }

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

std::string_view Record::keep(std::string_view text) { return state_->keep(text); }

std::span<const NamedScore> Record::keep_scores(std::vector<NamedScore> scores) {
  return state_->kept_scores.emplace_back(std::move(scores));
}

}  // namespace tal
