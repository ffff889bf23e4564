// The named values of an options struct, listed once: the list serves the JSON configuration of a model, --set name=value, presets
// and the documentation. The struct's member initialisers are the defaults.
//
//   Settings settings_of(RpnOptions& o) {
//     Settings s;
//     s.add("rows", o.rows, "Rows that every video is rescaled to");
//     s.add("attention", o.attention, "Attention of both streams", {"soft", "multi-head", "none"});
//     return s;
//   }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tal {

class Settings {
 public:
  using Target = std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<double>*, std::vector<std::int64_t>*,
                              std::vector<std::string>*>;
  struct Entry {
    std::string name, help;
    Target target;
    std::vector<std::string> choices;  // of a text; empty: any
  };

  // `target` must outlive the Settings. Names are lower case words joined by '-', groups by '.': "train.lr". help: one line with unit.
  Settings& add(std::string name, Target target, std::string help, std::vector<std::string> choices = {});
  // All entries of `inner` with "prefix." before their names; prefix "": as they are.
  Settings& nest(const std::string& prefix, const Settings& inner);

  // The option syntax of the command line: "3/4", "true", "0.5,0.7". UsageError for an unknown name (names the nearest) or a value
  // that does not fit.
  void set(std::string_view name, std::string_view text);
  // "name=value".
  void set_pair(std::string_view pair);
  // {"name": value, ...}; groups may be nested objects. Error for an unknown name or a wrong type, with the name as field.
  void read_json(std::string_view object);
  // All values in order, one flat object.
  std::string json() const;
  std::string value_text(std::string_view name) const;  // as JSON
  bool has(std::string_view name) const;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  const Entry* find(std::string_view name) const;
  std::vector<Entry> entries_;
};

}  // namespace tal
