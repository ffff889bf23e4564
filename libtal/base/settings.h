// The named values of an options struct, listed once: the list serves the JSON configuration of a model, --set
// name=value, presets, the documentation, and the refusal of what makes no sense. The struct's member initialisers are
// the defaults.
//
//   Settings settings_of(RpnOptions& o) {
//     Settings s;
//     s.add("rows", &o.rows, "Rows that every video is rescaled to").at_least(1);
//     s.add("attention", &o.attention, "Attention of both streams", {"soft", "multi-head", "none"});
//     s.add("heads", &o.heads, "Heads of the attention").between(1, 64).with("attention", {"multi-head"});
//     return s;
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tal {

class Settings {
 public:
  using Target = std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<double>*,
                              std::vector<std::int64_t>*, std::vector<std::string>*>;
  // When a setting has an effect: while `setting` has one of `values` (wanted), or none of them. Values as in --set:
  // "soft", "true", "0.5"; a list of texts has those of its elements.
  struct Condition {
    std::string setting;
    std::vector<std::string> values;
    bool wanted = true;
  };
  struct Entry {
    std::string name, help;
    Target target;
    std::vector<std::string> choices;  // of a text; empty: any
    // Of a number and of every element of a list of numbers; NaN is never in range.
    double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
    bool low_open = false, high_open = false;
    std::size_t least = 0, most = std::numeric_limits<std::size_t>::max();  // elements of a list
    std::vector<std::vector<Condition>> conditions;                         // of each, one must hold
    std::vector<std::string> stages;  // of an inference setting: the stages that use it ("propose"); empty: every stage
                                      // of its model

    Entry& between(double from, double to);  // both ends included
    Entry& at_least(double from);
    Entry& above(double from);  // from itself is out
    Entry& below(double to);    // to itself is out
    Entry& count(std::size_t from, std::size_t to);
    Entry& with(std::string setting, std::vector<std::string> values);
    Entry& without(std::string setting, std::vector<std::string> values);
    Entry& with_any(std::vector<Condition> alternatives);
    Entry& of_stages(std::vector<std::string> names);

    bool numeric() const;
    bool ranged() const {
      return low > -std::numeric_limits<double>::infinity() || high < std::numeric_limits<double>::infinity();
    }
    std::string range_text() const;  // "1 or more", "more than 0", "0 to 1", "2 numbers, each ..."; "" without limits
    std::string condition_text() const;  // "attention=multi-head", joined by " and "; "" when it always has an effect
  };

  // `target` must outlive the Settings. Names are lower case words joined by '-', groups by '.': "train.lr". help: one
  // line with unit. The entry can be narrowed at once; the reference is good until the next add.
  Entry& add(std::string name, Target target, std::string help, std::vector<std::string> choices = {});
  // All entries of `inner`: under their own names, or with "prefix." before them (a group).
  Settings& append(const Settings& inner);
  Settings& nest(const std::string& prefix, const Settings& inner);

  // The option syntax of the command line: "3/4", "true", "0.5,0.7". UsageError for an unknown name (names the nearest)
  // or a value that does not fit or is out of range.
  void set(std::string_view name, std::string_view text);
  // "name=value"; UsageError as set().
  void set_pair(std::string_view pair);
  // {"name": value, ...}; groups may be nested objects. Error for an unknown name, a wrong type or range, with the name
  // as field.
  void read_json(std::string_view object);
  // All values in order, one flat object.
  std::string json() const;
  std::string value_text(std::string_view name) const;  // as JSON
  bool has(std::string_view name) const;
  // Why the setting has no effect as the others are, in words; nullopt when it has one. Conditions name settings of the
  // same group
  // ("inference."), else of the groups around it.
  std::optional<std::string> without_effect(std::string_view name) const;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  const Entry* find(std::string_view name) const;
  std::vector<Entry> entries_;
};

}  // namespace tal
