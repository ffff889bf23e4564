// The proposals of a record: reading them with their places in the text, and writing what changed.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/member_names.h"
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
      if (error.message() == kBrokenJson)
        if (auto fault = json_fault(state_.line)) throw fault->at_video(state_.video);
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
    names_.open();
    each_member(object, [&](std::string_view key, JsonValue& value) {
      if (!names_.add(key))
        throw Error("the key '" + std::string(key) + "' stands twice here", Error::Kind::kRepeatedKey);
      if (key == "segment") read_segment(document, value, proposal), has_segment = true;
      else if (key == "at") read_point(value, proposal);
      else if (key == "score") read_score(value, proposal);
      else if (key == "label") read_label(value, proposal);
      else check_json(trim_end(take(sj::to_json_string(value))));
      member_ = nullptr;
    });
    names_.close();
    if (proposal.point && has_segment) {
      member_ = "at";
      throw Error("stands beside segment; it is one or the other");
    }
    if (!proposal.point && !has_segment) {
      member_ = "segment";
      throw Error("missing");
    }
    if (proposal.point && !state_.first_point) state_.first_point = state_.proposals.size();
    auto& source = proposal.source;
    source.text = std::string_view(begin_, static_cast<std::size_t>(behind('}', document) - begin_));
    source.segment = proposal.segment, source.score = proposal.score, source.label = proposal.label;
    source.point = proposal.point;
    return proposal;
  }

  void read_segment(JsonDocument& document, JsonValue& value, Proposal& proposal) {
    member_ = "segment";
    proposal.source.segment_begin = offset(value.raw_json_token().data());
    proposal.segment = segment_at(value, true);
    proposal.source.segment_end = offset(behind(']', document));
  }

  void read_point(JsonValue& value, Proposal& proposal) {
    member_ = "at";
    std::string_view token;
    const double at = number_at(value, token);
    proposal.segment = {at, at}, proposal.point = true;
    proposal.source.segment_begin = offset(token.data());
    proposal.source.segment_end = offset(token.data() + token.size());
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
      proposal.label = state_.keep(string_at(value));
    }
    proposal.source.label_begin = offset(token.data()), proposal.source.label_end = offset(token.data() + token.size());
  }

  // The place behind the last `bracket` before where the parser stands.
  static const char* behind(char bracket, JsonDocument& document) {
    const char* at = nullptr;
    if (const auto code = document.current_location().get(at)) fail(code);
    while (*--at != bracket) {
    }
    return at + 1;
  }

  std::uint32_t offset(const char* at) const { return static_cast<std::uint32_t>(at - begin_); }

  State& state_;
  const char* begin_ = nullptr;  // of the element being read
  const char* member_ = nullptr;
  MemberNames names_;
};

const std::vector<Proposal>& Record::proposals(Points points) const {
  state_->parse_proposals();
  if (points == Points::kRefused && state_->first_point) try {
      refuse_point();
    } catch (Error& error) {
      throw error.at_field(indexed("proposals", *state_->first_point, "at")).at_video(video());
    }
  return state_->proposals;
}

void Record::State::parse_proposals() {
  State& s = *this;
  if (s.proposals_parsed) return;
  s.proposals.clear();
  s.first_point.reset();
  const auto* field = s.find("proposals");
  if (!field) return;
  std::string_view raw = field->raw(s.line);
  if (field->changed) {  // sources point into the text, so changed text must live (padded) in the record too
    s.kept.emplace_back();
    s.kept.back().reserve(raw.size() + kParserPadding);
    s.kept.back().assign(raw);
    raw = s.kept.back();
  }
  State::ProposalReader(s).read(raw);
  s.proposals_parsed = true;
}

const std::vector<Proposal>& Record::require_proposals(Points points) const {
  if (!has_proposals()) throw Error("missing; this step needs proposals").at_field("proposals").at_video(video());
  return proposals(points);
}

const std::vector<Proposal>& Record::require_scored_proposals(Points points) const {
  const auto& all = require_proposals(points);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!all[i].has_score()) throw Error("missing").at_field(indexed("proposals", i, "score")).at_video(video());
  return all;
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

namespace {

// body(name, value) for every member of an object whose text is `json`.
template <class Body>
void each_named(std::string_view json, Body&& body) {
  with_value(json, false, [&](JsonDocument& document) {
    JsonObject object;
    if (document.get_object().get(object)) throw Error("must be an object");
    for (auto member : object) {
      sj::ondemand::field field;
      if (const auto code = std::move(member).get(field)) fail(code);
      const std::string name(take(field.unescaped_key()));
      JsonValue value = field.value();
      body(name, value);
    }
  });
}

// Where the member "scores" stands in a proposal's text; empty when it does not.
std::string_view scores_in(std::string_view proposal) {
  std::string padded;
  padded.reserve(proposal.size() + kParserPadding);
  padded.assign(proposal);
  std::string_view found;
  with_value(padded, true, [&](JsonDocument& document) {
    JsonObject object;
    if (document.get_object().get(object)) throw Error("must be an object");
    each_member(object, [&](std::string_view key, JsonValue& value) {
      if (!found.empty() || !(key == "scores")) return;
      const std::string_view text = trim_end(take(sj::to_json_string(value)));
      found = proposal.substr(static_cast<std::size_t>(text.data() - padded.data()), text.size());
    });
  });
  if (!found.empty() && found.front() != '{') throw Error("must be an object").at_field("scores");
  return found;
}

// The text of an object of scores with those of `scores` in the place of the ones that they name, or behind.
void append_merged_scores(std::string& out, std::string_view had, std::span<const NamedScore> scores) {
  std::vector<const NamedScore*> left;
  for (const auto& score : scores) left.push_back(&score);
  char before = '{';
  const auto begin_member = [&](std::string_view name) {
    out += std::exchange(before, ',');
    append_json_string(out, name);
    out += ':';
  };
  each_named(had, [&](const std::string& name, JsonValue& value) {
    begin_member(name);
    const auto found = std::find_if(left.begin(), left.end(), [&](const NamedScore* s) { return s->name == name; });
    if (found == left.end()) {
      out += trim_end(take(sj::to_json_string(value)));
    } else {
      append_number(out, (*found)->value);
      left.erase(found);
    }
  });
  for (const auto* score : left) begin_member(score->name), append_number(out, score->value);
  out += '}';
}

enum class Member { kSegment, kScore, kLabel, kScores };

constexpr const char* kMemberNames[] = {"segment", "score", "label", "scores"};

// What of a proposal differs from its source: values to replace, in the order of the text, and members to add behind.
class Changes {
 public:
  explicit Changes(const Proposal& p) : p_(p) {
    const auto& source = p.source;
    if (p.point != source.point) throw Error("a segment cannot become a point, nor a point a segment");
    if (!(p.segment == source.segment)) add(Member::kSegment, source.segment_begin, source.segment_end);
    if (p.score != source.score) add(Member::kScore, source.score_begin, source.score_end);
    if (p.label.data() != source.label.data() && p.label != source.label)
      add(Member::kLabel, source.label_begin, source.label_end);
    if (!p.scores.empty()) {
      had_scores_ = scores_in(source.text);
      const auto begin = had_scores_.empty() ? 0 : static_cast<std::uint32_t>(had_scores_.data() - source.text.data());
      add(Member::kScores, begin, begin + static_cast<std::uint32_t>(had_scores_.size()));
    }
    for (int i = 1; i < replaced_; ++i)
      for (int j = i; j > 0 && replace_[j].begin < replace_[j - 1].begin; --j) std::swap(replace_[j], replace_[j - 1]);
  }

  void write(std::string& out) const {
    const std::string_view text = p_.source.text;
    std::size_t at = 0;
    for (int i = 0; i < replaced_; ++i) {
      out.append(text.data() + at, replace_[i].begin - at);
      append_value(out, replace_[i].member);
      at = replace_[i].end;
    }
    if (added_ == 0 && p_.extra.empty()) {
      out.append(text.data() + at, text.size() - at);
      return;
    }
    out += trim_end(text.substr(at, text.size() - at - 1));
    for (int i = 0; i < added_; ++i) {
      ((out += ",\"") += kMemberNames[static_cast<int>(add_[i])]) += "\":";
      append_value(out, add_[i]);
    }
    if (!p_.extra.empty()) (out += ',') += p_.extra;
    out += '}';
  }

 private:
  struct Place {
    std::uint32_t begin, end;
    Member member;
  };

  void add(Member member, std::uint32_t begin, std::uint32_t end) {
    if (end) replace_[replaced_++] = {begin, end, member};
    else add_[added_++] = member;
  }

  void append_value(std::string& out, Member member) const {
    switch (member) {
      case Member::kSegment: return p_.point ? append_number(out, p_.segment.start) : append_segment(out, p_.segment);
      case Member::kScore: return append_number(out, p_.score);
      case Member::kLabel: return append_json_string(out, p_.label);
      case Member::kScores:
        return had_scores_.empty() ? append_scores(out, p_.scores) : append_merged_scores(out, had_scores_, p_.scores);
    }
  }

  const Proposal& p_;
  std::string_view had_scores_;
  Place replace_[4];
  Member add_[4];
  int replaced_ = 0, added_ = 0;
};

void append_new_proposal(std::string& out, const Proposal& p) {
  append_times(out += '{', p.segment, p.point);
  out += ",\"score\":";
  append_number(out, p.score);
  if (!p.label.empty()) {
    out += ",\"label\":";
    append_json_string(out, p.label);
  }
  if (!p.scores.empty()) {
    out += ",\"scores\":";
    append_scores(out, p.scores);
  }
  if (!p.extra.empty()) (out += ',') += p.extra;
  out += '}';
}

}  // namespace

void append_scores(std::string& out, std::span<const NamedScore> scores) {
  out += '{';
  for (const auto& [name, value] : scores) {
    if (out.back() != '{') out += ',';
    append_json_string(out, name);
    out += ':';
    append_number(out, value);
  }
  out += '}';
}

void append_proposal(std::string& out, const Proposal& p) {
  if (p.source.text.empty()) append_new_proposal(out, p);
  else Changes(p).write(out);
}

namespace {

const char* not_finite_member(const Proposal& p) {
  if (!std::isfinite(p.score)) return "score";
  return std::isfinite(p.segment.start) && std::isfinite(p.segment.end) ? "scores" : p.point ? "at" : "segment";
}

}  // namespace

void append_proposals(std::string& out, const std::vector<Proposal>& proposals) {
  out += '[';
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    if (i > 0) out += ',';
    try {
      append_proposal(out, proposals[i]);
    } catch (Error& error) {
      if (error.kind() == Error::Kind::kNotFinite)
        error.at_field(indexed("proposals", i, not_finite_member(proposals[i])));
      throw;
    }
  }
  out += ']';
}

std::vector<NamedScore> named_scores(const Proposal& proposal) {
  std::vector<NamedScore> scores;
  const std::string_view text = proposal.source.text;
  if (const auto had = text.empty() ? text : scores_in(text); !had.empty())
    each_named(had, [&](const std::string& name, JsonValue& value) {
      std::string_view token;
      scores.push_back({name, in_field("scores." + name, [&] { return number_at(value, token); })});
    });
  for (const auto& score : proposal.scores) {
    const auto has_name = [&](const NamedScore& s) { return s.name == score.name; };
    const auto same = std::find_if(scores.begin(), scores.end(), has_name);
    if (same == scores.end()) scores.push_back(score);
    else same->value = score.value;
  }
  return scores;
}

}  // namespace tal
