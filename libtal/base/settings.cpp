#include "libtal/base/settings.h"

#include <algorithm>
#include <type_traits>

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"

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
  if (entry.choices.empty() || std::find(entry.choices.begin(), entry.choices.end(), value) != entry.choices.end())
    return;
  throw Error("'" + value + "' is none of " + joined(entry.choices));
}

void check_number(const Settings::Entry& entry, double value) {
  const bool low = entry.low_open ? value > entry.low : value >= entry.low,
             high = entry.high_open ? value < entry.high : value <= entry.high;
  if (low && high) return;
  throw Error("must be " + entry.range_text() + ", not " + format_number(value));
}

// The range of a value that has been read, number of elements included.
void check_range(const Settings::Entry& entry) {
  std::visit(
      Overloaded{[&](const std::int64_t* v) { check_number(entry, static_cast<double>(*v)); },
                 [&](const double* v) { check_number(entry, *v); }, [](const bool*) {}, [](const std::string*) {},
                 [&](const auto* list) {
                   if (list->size() < entry.least || list->size() > entry.most)
                     throw Error("has " + std::to_string(list->size()) + " values; must be " + entry.range_text());
                   if constexpr (!std::is_same_v<decltype(list), const std::vector<std::string>*>)
                     for (const auto value : *list) check_number(entry, static_cast<double>(value));
                   else
                     for (const auto& value : *list) check_choice(entry, value);
                 }},
      entry.target);
}

// Values of a failed set() or read_json() must not stay.
class Restore {
 public:
  explicit Restore(const Settings::Target& target) : target_(target) {
    std::visit([&](auto* value) { old_ = *value; }, target_);
  }
  ~Restore() {
    if (!kept_) std::visit([&](auto* value) { *value = std::get<std::decay_t<decltype(*value)>>(old_); }, target_);
  }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;
  void keep() { kept_ = true; }

 private:
  Settings::Target target_;
  std::variant<bool, std::int64_t, double, std::string, std::vector<double>, std::vector<std::int64_t>,
               std::vector<std::string>>
      old_;
  bool kept_ = false;
};

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

// As --set would have it: soft, true, 0.5, 1,2,3.
std::string plain_text(const Settings::Target& target) {
  return std::visit(
      Overloaded{[](const bool* v) { return std::string(*v ? "true" : "false"); },
                 [](const std::int64_t* v) { return std::to_string(*v); },
                 [](const double* v) { return format_number(*v); }, [](const std::string* v) { return *v; },
                 [](const std::vector<std::string>* v) { return joined(*v, ","); },
                 [](const auto* v) {
                   std::string text;
                   for (const auto value : *v)
                     text += (text.empty() ? "" : ",") + format_number(static_cast<double>(value));
                   return text;
                 }},
      target);
}

}  // namespace

Settings::Entry& Settings::Entry::between(double from, double to) {
  low_open = low_open && low == from, high_open = high_open && high == to;  // above(0).between(0, 1) stays above 0
  low = from, high = to;
  return *this;
}

Settings::Entry& Settings::Entry::at_least(double from) {
  low = from, low_open = false;
  return *this;
}

Settings::Entry& Settings::Entry::above(double from) {
  low = from, low_open = true;
  return *this;
}

Settings::Entry& Settings::Entry::below(double to) {
  high = to, high_open = true;
  return *this;
}

Settings::Entry& Settings::Entry::count(std::size_t from, std::size_t to) {
  least = from, most = to;
  return *this;
}

Settings::Entry& Settings::Entry::with(std::string setting, std::vector<std::string> values) {
  return with_any({{std::move(setting), std::move(values), true}});
}

Settings::Entry& Settings::Entry::without(std::string setting, std::vector<std::string> values) {
  return with_any({{std::move(setting), std::move(values), false}});
}

Settings::Entry& Settings::Entry::with_any(std::vector<Condition> alternatives) {
  conditions.push_back(std::move(alternatives));
  return *this;
}

Settings::Entry& Settings::Entry::of_stages(std::vector<std::string> names) {
  stages = std::move(names);
  return *this;
}

bool Settings::Entry::numeric() const {
  return !std::holds_alternative<bool*>(target) && !std::holds_alternative<std::string*>(target) &&
         !std::holds_alternative<std::vector<std::string>*>(target);
}

std::string Settings::Entry::range_text() const {
  const bool has_low = low > -std::numeric_limits<double>::infinity(),
             has_high = high < std::numeric_limits<double>::infinity();
  std::string text;
  if (has_low && has_high && !low_open && !high_open)
    text = low == high ? format_number(low) : format_number(low) + " to " + format_number(high);
  else {
    if (has_low)
      text = low_open   ? "more than " + format_number(low)
             : has_high ? "at least " + format_number(low)
                        : format_number(low) + " or more";
    if (has_high)
      text += (text.empty() ? "" : " and ") + std::string(high_open ? "less than " : "at most ") + format_number(high);
  }
  const bool limited = most < std::numeric_limits<std::size_t>::max();
  if (!limited && least == 0) return text;
  std::string size = std::to_string(least);
  if (!limited) size += " or more values";
  else size += least == most ? (most == 1 ? " value" : " values") : " to " + std::to_string(most) + " values";
  return text.empty() ? size : size + ", each " + text;
}

std::string Settings::Entry::condition_text() const {
  std::string text;
  for (const auto& alternatives : conditions) {
    text += text.empty() ? "" : " and ";
    for (const auto& c : alternatives)
      text += (&c == &alternatives.front() ? "" : " or ") + c.setting + (c.wanted ? "=" : " other than ") +
              joined(c.values, " or ");
  }
  if (!stages.empty()) text += (text.empty() ? "" : " and in ") + std::string("tal-") + joined(stages, " and tal-");
  return text;
}

Settings::Entry& Settings::add(std::string name, Target target, std::string help, std::vector<std::string> choices) {
  Entry entry;
  entry.name = std::move(name), entry.help = std::move(help), entry.target = target, entry.choices = std::move(choices);
  entries_.push_back(std::move(entry));
  return entries_.back();
}

Settings& Settings::append(const Settings& inner) {
  entries_.insert(entries_.end(), inner.entries_.begin(), inner.entries_.end());
  return *this;
}

Settings& Settings::nest(const std::string& prefix, const Settings& inner) {
  for (Entry entry : inner.entries_) {
    entry.name = prefix + "." + entry.name;
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
  throw Error("unknown setting '" + std::string(name) + "'" +
              (near.empty() ? "" : " (did you mean '" + std::string(near) + "'?)"));
}

std::optional<std::string> Settings::without_effect(std::string_view name) const {
  const Entry& entry = *find(name);
  // A setting by its name in the group of `name` or in one around it.
  const auto target_of = [&](const std::string& setting) -> const Target& {
    for (std::string_view group = name;;) {
      const auto dot = group.rfind('.');
      group = dot == std::string_view::npos ? std::string_view() : group.substr(0, dot);
      const std::string full = group.empty() ? setting : std::string(group) + "." + setting;
      if (has(full)) return find(full)->target;
      if (group.empty()) throw Error("setting '" + entry.name + "' depends on '" + setting + "', which there is not");
    }
  };
  for (const auto& alternatives : entry.conditions) {
    std::string as_is;
    const auto holds = [&](const Condition& condition) {
      const Target& target = target_of(condition.setting);
      const std::string value = plain_text(target);
      std::vector<std::string> values{value};
      if (const auto* list = std::get_if<std::vector<std::string>*>(&target)) values = **list;
      as_is += (as_is.empty() ? "" : " and ") + condition.setting + "=" + value;
      return condition.wanted == std::any_of(values.begin(), values.end(), [&](const std::string& v) {
               return std::find(condition.values.begin(), condition.values.end(), v) != condition.values.end();
             });
    };
    if (!std::any_of(alternatives.begin(), alternatives.end(), holds))
      return "has no effect with " + as_is + " (it is for " + entry.condition_text() + ")";
  }
  return std::nullopt;
}

void Settings::set(std::string_view name, std::string_view text) try {
  const Entry& entry = *find(name);
  Restore restore(entry.target);
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
    check_range(entry);
    restore.keep();
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
    Restore restore(entry.target);
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
      check_range(entry);
      restore.keep();
    } catch (const nlohmann::json::exception&) {
      throw Error("has the wrong type").at_field(name);
    } catch (Error& error) {
      throw error.at_field(name);
    }
  };
  const auto walk = [&](const auto& self, const std::string& prefix, const Json& level) -> void {
    for (const auto& [key, value] : level.items()) {
      if (value.is_object()) self(self, prefix + key + ".", value);
      else assign(prefix + key, value);
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
