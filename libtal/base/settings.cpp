#include "libtal/base/settings.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;
template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; !text.empty() && at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

bool parse_bool(std::string_view text) {
  if (text == "true" || text == "on" || text == "yes" || text == "1") return true;
  if (text == "false" || text == "off" || text == "no" || text == "0") return false;
  throw Error("'" + std::string(text) + "' is neither true nor false");
}

void check_choice(const Settings::Entry& entry, const std::string& value) {
  if (entry.choices.empty() || std::find(entry.choices.begin(), entry.choices.end(), value) != entry.choices.end()) return;
  std::string all;
  for (const auto& choice : entry.choices) all += (all.empty() ? "" : ", ") + choice;
  throw Error("'" + value + "' is none of " + all);
}

// One number of a list: "3/4" as well.
std::vector<double> parse_fractions(std::string_view text) {
  if (text.find('/') == std::string_view::npos) return text.empty() ? std::vector<double>{} : parse_number_list(text);
  std::vector<double> values;
  for (const auto& word : split(text)) values.push_back(parse_fraction(word));
  return values;
}

Json to_json(const Settings::Target& target) {
  return std::visit([](const auto* value) { return Json(*value); }, target);
}

}  // namespace

Settings& Settings::add(std::string name, Target target, std::string help, std::vector<std::string> choices) {
  entries_.push_back({std::move(name), std::move(help), target, std::move(choices)});
  return *this;
}

Settings& Settings::nest(const std::string& prefix, const Settings& inner) {
  for (Entry entry : inner.entries_) {
    if (!prefix.empty()) entry.name = prefix + "." + entry.name;
    entries_.push_back(std::move(entry));
  }
  return *this;
}

bool Settings::has(std::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.name == name; });
}

const Settings::Entry* Settings::find(std::string_view name) const {
  for (const auto& entry : entries_)
    if (entry.name == name) return &entry;
  std::vector<std::string> names;
  for (const auto& entry : entries_) names.push_back(entry.name);
  const auto near = nearest(name, names);
  throw Error("unknown setting '" + std::string(name) + "'" + (near.empty() ? "" : " (did you mean '" + std::string(near) + "'?)"));
}

void Settings::set(std::string_view name, std::string_view text) try {
  const Entry& entry = *find(name);
  try {
    std::visit(Overloaded{[&](bool* v) { *v = parse_bool(text); }, [&](std::int64_t* v) { *v = parse_integer(text); },
                          [&](double* v) { *v = parse_fraction(text); },
                          [&](std::string* v) {
                            check_choice(entry, std::string(text));
                            *v = text;
                          },
                          [&](std::vector<double>* v) { *v = parse_fractions(text); },
                          [&](std::vector<std::int64_t>* v) {
                            std::vector<std::int64_t> values;
                            for (const auto& word : split(text)) values.push_back(parse_integer(word));
                            *v = std::move(values);
                          },
                          [&](std::vector<std::string>* v) { *v = split(text); }},
               entry.target);
  } catch (const std::exception& error) {
    throw Error("setting '" + entry.name + "': " + error.what());
  }
} catch (const Error& error) {
  throw UsageError(error.what());
}

void Settings::set_pair(std::string_view pair) {
  const auto sign = pair.find('=');
  if (sign == std::string_view::npos || sign == 0) throw UsageError("'" + std::string(pair) + "' is not NAME=VALUE");
  set(pair.substr(0, sign), pair.substr(sign + 1));
}

void Settings::read_json(std::string_view object) {
  const Json document = Json::parse(object, nullptr, false);
  if (!document.is_object()) throw Error("the settings are not a JSON object");
  const auto assign = [&](const std::string& name, const Json& value) {
    const Entry& entry = *find(name);
    try {
      std::visit(Overloaded{[&](bool* v) { *v = value.get<bool>(); },
                            [&](std::int64_t* v) {
                              if (!value.is_number_integer()) throw Error("must be a whole number");
                              *v = value.get<std::int64_t>();
                            },
                            [&](std::string* v) {
                              check_choice(entry, value.get<std::string>());
                              *v = value.get<std::string>();
                            },
                            [&](auto* v) { *v = value.get<std::decay_t<decltype(*v)>>(); }},
                 entry.target);
    } catch (const nlohmann::json::exception&) {
      throw Error("has the wrong type").at_field(name);
    } catch (Error& error) {
      throw error.at_field(name);
    }
  };
  const auto walk = [&](const auto& self, const std::string& prefix, const Json& level) -> void {
    for (const auto& [key, value] : level.items()) {
      if (value.is_object())
        self(self, prefix + key + ".", value);
      else
        assign(prefix + key, value);
    }
  };
  walk(walk, "", document);
}

std::string Settings::json() const {
  Json document = Json::object();
  for (const auto& entry : entries_) document[entry.name] = to_json(entry.target);
  return document.dump();
}

std::string Settings::value_text(std::string_view name) const { return to_json(find(name)->target).dump(); }

}  // namespace tal
