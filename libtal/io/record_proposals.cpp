// The proposals of a record: reading them with their places in the text, and writing what changed.
#include <cstring>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/record_parts.h"

namespace tal {

using namespace record_parts;

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

// Reads one element after the other. `member_` is the member being read, for the place of an error.
class Record::State::ProposalReader {
 public:
  explicit ProposalReader(State& state) : state_(state) {}

  // `raw` stands in the record, followed by readable bytes: the sources of the proposals point into it.
  void read(std::string_view raw) {
    try {
      with_value(raw, true, [&](JsonDocument& document) {
        JsonArray array;
        if (document.get_array().get(array)) throw Error("must be a list").at_field("proposals");
        for (auto element : array) {
          JsonValue item;
          if (const auto code = element.get(item)) fail(code);
          state_.proposals.push_back(proposal_at(document, item));
        }
      });
    } catch (Error& error) {
      const std::string place = indexed("proposals", state_.proposals.size(), member_);
      state_.proposals.clear();
      throw error.at_field(place).at_video(state_.video);
    }
  }

 private:
  Proposal proposal_at(JsonDocument& document, JsonValue& item) {
    begin_ = item.raw_json_token().data();
    JsonObject object;
    if (item.get_object().get(object)) throw Error("must be an object");
    Proposal proposal;
    bool has_segment = false;
    each_member(object, [&](const auto& key, JsonValue& value) {
      if (key == "segment") read_segment(document, value, proposal), has_segment = true;
      else if (key == "score") read_score(value, proposal);
      else if (key == "label") read_label(value, proposal);
      else check_json(trim_end(take(sj::to_json_string(value))));
      member_ = nullptr;
    });
    if (!has_segment) {
      member_ = "segment";
      throw Error("missing");
    }
    auto& source = proposal.source;
    source.text = std::string_view(begin_, static_cast<std::size_t>(behind('}', document) - begin_));
    source.segment = proposal.segment, source.score = proposal.score, source.label = proposal.label;
    return proposal;
  }

  void read_segment(JsonDocument& document, JsonValue& value, Proposal& proposal) {
    member_ = "segment";
    proposal.source.segment_begin = offset(value.raw_json_token().data());
    proposal.segment = segment_at(value, true);
    proposal.source.segment_end = offset(behind(']', document));
  }

  void read_score(JsonValue& value, Proposal& proposal) {
    member_ = "score";
    std::string_view token;
    proposal.score = number_at(value, token);
    proposal.source.score_begin = offset(token.data()), proposal.source.score_end = offset(token.data() + token.size());
  }

  void read_label(JsonValue& value, Proposal& proposal) {
    member_ = "label";
    const std::string_view token = trim_end(value.raw_json_token());
    if (const auto plain = plain_string(token)) {
      proposal.label = *plain;
    } else {
      std::string_view text;
      if (value.get_string().get(text)) throw Error("must be a string");
      proposal.label = state_.keep(text);
    }
    proposal.source.label_begin = offset(token.data()), proposal.source.label_end = offset(token.data() + token.size());
  }

  // The place behind the last `bracket` before where the parser stands.
  static const char* behind(char bracket, JsonDocument& document) {
    const char* at = nullptr;
    if (const auto code = document.current_location().get(at)) fail(code);
    while (*--at != bracket) {}
    return at + 1;
  }

  std::uint32_t offset(const char* at) const { return static_cast<std::uint32_t>(at - begin_); }

  State& state_;
  const char* begin_ = nullptr;  // of the element being read
  const char* member_ = nullptr;
};

const std::vector<Proposal>& Record::proposals() const {
  State& s = *state_;
  if (s.proposals_parsed) return s.proposals;
  s.proposals.clear();
  const auto* field = s.find("proposals");
  if (!field) return s.proposals;
  std::string_view raw = field->raw(s.line);
  if (field->changed) {  // sources point into the text, so changed text must live (padded) in the record too
    s.kept.emplace_back();
    s.kept.back().reserve(raw.size() + kParserPadding);
    s.kept.back().assign(raw);
    raw = s.kept.back();
  }
  State::ProposalReader(s).read(raw);
  s.proposals_parsed = true;
  return s.proposals;
}

const std::vector<Proposal>& Record::require_proposals() const {
  if (!has_proposals()) throw Error("missing; this step needs proposals").at_field("proposals").at_video(video());
  return proposals();
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
  // Splice: only what changed is written anew. The members may stand in any order, so the (at most three) edits are
  // sorted.
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

std::vector<std::pair<std::string, double>> proposal_scores(const Proposal& proposal) {
  std::vector<std::pair<std::string, double>> out;
  if (proposal.source.text.empty()) return out;
  with_value(proposal.source.text, false, [&](JsonDocument& document) {
    JsonObject scores;
    const auto code = document["scores"].get_object().get(scores);
    if (code == sj::NO_SUCH_FIELD) return;
    if (code) throw Error("must be an object").at_field("scores");
    for (auto member : scores) {
      sj::ondemand::field entry;
      if (const auto bad = std::move(member).get(entry)) fail(bad);
      std::string name(take(entry.unescaped_key()));
      JsonValue item = entry.value();
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
