// What every model's settings promise: each number has a range, each preset is whole, and nothing in it is without
// effect.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <regex>
#include <set>

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/models/core/factory.h"
#include "libtal/models/core/model.h"
#include "libtal/train/options.h"
#include "libtal/train/run_settings.h"

using namespace tal;

namespace {

// As tal-train has them.
struct All {
  explicit All(const ModelFactory& factory) : model(factory.make()), settings(model->settings()) {
    settings.nest("inference", model->inference());
    settings.nest("train", settings_of(train));
  }
  std::unique_ptr<Model> model;
  TrainOptions train;
  Settings settings;
};

template <class Check>
void for_each_model(Check&& check) {
  for (const auto& factory : model_factories()) BOOST_TEST_CONTEXT(factory.name) check(factory);
}

// `value` in every place of a list that may have so few elements.
std::string spread(const Settings::Entry& entry, const std::string& value) {
  std::string text = value;
  for (std::size_t i = 1; i < entry.least; ++i) text += "," + value;
  return text;
}

bool takes(Settings& settings, const Settings::Entry& entry, double value, std::string& message) {
  try {
    settings.set(entry.name, spread(entry, format_number(value)));
    return true;
  } catch (const UsageError& error) {
    message = error.what();
    return false;
  }
}

// A value of the setting that a condition names which makes the condition fail.
std::string failing(const Settings& settings, const std::string& name, const Settings::Condition& condition) {
  if (!condition.wanted) return condition.values.front();
  for (const auto& entry : settings.entries()) {
    if (entry.name != name) continue;
    std::vector<std::string> values = entry.choices;
    if (values.empty())
      values = entry.numeric() ? std::vector<std::string>{"0", "1", "2"} : std::vector<std::string>{"true", "false"};
    for (const auto& value : values)
      if (std::find(condition.values.begin(), condition.values.end(), value) == condition.values.end()) return value;
  }
  return "";
}

// The setting that a condition names: one of the same group, else of all.
std::string named_by(const Settings& settings, const Settings::Entry& entry, const Settings::Condition& condition) {
  const auto dot = entry.name.rfind('.');
  const std::string of_group = (dot == std::string::npos ? "" : entry.name.substr(0, dot + 1)) + condition.setting;
  return settings.has(of_group) ? of_group : condition.setting;
}

// The settings of one training, as tal-train makes them of a command line.
struct Run {
  explicit Run(const ModelFactory& factory) : model(factory.make()), settings(*model, train) {}
  std::unique_ptr<Model> model;
  TrainOptions train;
  RunSettings settings;
};

// What tal-train says of a command line: one line of our own, none of a library's words; "" when it says nothing.
std::string said_of(const ModelFactory& factory, const std::vector<std::string>& pairs) {
  Run run(factory);
  try {
    for (const auto& pair : pairs) run.settings.set_pair(pair);
    run.settings.settle_defaults();
    run.settings.refuse_idle(false);
  } catch (const UsageError& error) {
    const std::string message = error.what();
    static const std::regex foreign("c10|at::|[Ll]ib[Tt]orch|TORCH_CHECK|torch::|std::|stod|stoi|json\\.exception");
    BOOST_TEST(message.find('\n') == std::string::npos, message);
    BOOST_TEST(!std::regex_search(message, foreign), message);
    return message;
  }
  return "";
}

// The value as it is typed after --set.
std::string typed(const Settings& settings, const std::string& name) {
  std::string text = settings.value_text(name);
  std::erase_if(text, [](char c) { return c == '"' || c == '[' || c == ']'; });
  return text;
}

// Values that the setting must refuse: beyond each end of its range, and of another type.
std::vector<std::string> beyond(const Settings::Entry& entry) {
  std::vector<std::string> values;
  if (!entry.numeric()) {
    if (std::holds_alternative<bool*>(entry.target)) return {"maybe", "2"};
    return entry.choices.empty() ? values : std::vector<std::string>{"nonsense"};
  }
  values.emplace_back("x");
  const bool whole = std::holds_alternative<std::int64_t*>(entry.target) ||
                     std::holds_alternative<std::vector<std::int64_t>*>(entry.target);
  const auto outside = [&](double end, bool open, double sign) {
    if (!std::isfinite(end)) return;
    const double step = whole ? 1 : 1e-3 + 1e-3 * std::abs(end);
    values.push_back(spread(entry, format_number(open ? end : end + sign * step)));
  };
  outside(entry.low, entry.low_open, -1);
  outside(entry.high, entry.high_open, 1);
  return values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(model_settings)

// odd_settings types a few of them at the tool itself.
BOOST_AUTO_TEST_CASE(what_does_not_fit_is_named) {
  for_each_model([](const ModelFactory& factory) {
    const All all(factory);
    for (const auto& entry : all.settings.entries())
      for (const auto& value : beyond(entry)) {
        const std::string said = said_of(factory, {entry.name + "=" + value});
        BOOST_TEST(said.find("setting '" + entry.name + "'") != std::string::npos,
                   entry.name << "=" << value << ": '" << said << "'");
      }
  });
}

BOOST_AUTO_TEST_CASE(what_has_no_effect_is_named) {
  for_each_model([](const ModelFactory& factory) {
    const All known(factory);
    for (const auto& entry : known.settings.entries())
      for (const auto& alternatives : entry.conditions) {
        std::vector<std::string> pairs{entry.name + "=" + typed(known.settings, entry.name)};
        for (const auto& condition : alternatives) {
          const std::string name = named_by(known.settings, entry, condition);
          pairs.push_back(name + "=" + failing(known.settings, name, condition));
        }
        const std::string said = said_of(factory, pairs);
        BOOST_TEST(said.find("setting '" + entry.name + "' has no effect") != std::string::npos,
                   pairs.front() << ": '" << said << "'");
      }
  });
}

BOOST_AUTO_TEST_CASE(ends_of_ranges_are_taken) {
  for_each_model([](const ModelFactory& factory) {
    All all(factory);
    for (const auto& entry : all.settings.entries()) {
      if (!entry.numeric()) continue;
      std::string message;
      if (std::isfinite(entry.low) && !entry.low_open)
        BOOST_TEST(takes(all.settings, entry, entry.low, message), entry.name << ": " << message);
      if (std::isfinite(entry.high) && !entry.high_open)
        BOOST_TEST(takes(all.settings, entry, entry.high, message), entry.name << ": " << message);
    }
  });
}

// Each condition of each setting can fail, and takes the setting's effect away then.
BOOST_AUTO_TEST_CASE(every_condition_counts) {
  for_each_model([](const ModelFactory& factory) {
    const All known(factory);
    for (const auto& entry : known.settings.entries())
      for (const auto& alternatives : entry.conditions)
        BOOST_TEST_CONTEXT(entry.name << " depends on " << alternatives.front().setting) {
          All all(factory);
          const bool effective = !all.settings.without_effect(entry.name);
          for (const auto& condition : alternatives) {  // all of them fail
            const std::string name = named_by(all.settings, entry, condition);
            if (effective) BOOST_TEST(!all.settings.without_effect(entry.name), "one that holds is enough");
            BOOST_REQUIRE_NO_THROW(all.settings.set(name, failing(all.settings, name, condition)));
          }
          BOOST_TEST(all.settings.without_effect(entry.name).has_value());
        }
  });
}

BOOST_AUTO_TEST_CASE(every_number_has_a_range) {
  for_each_model([](const ModelFactory& factory) {
    All all(factory);
    for (const auto& entry : all.settings.entries()) {
      if (!entry.numeric()) continue;
      BOOST_TEST_CONTEXT(entry.name) {
        BOOST_TEST(entry.ranged(), "has no range");
        if (!entry.ranged()) continue;
        const bool whole = std::holds_alternative<std::int64_t*>(entry.target) ||
                           std::holds_alternative<std::vector<std::int64_t>*>(entry.target);
        std::string message;
        if (entry.low > -std::numeric_limits<double>::infinity()) {
          BOOST_TEST(!takes(all.settings, entry, entry.low_open ? entry.low : entry.low - 1, message));
          BOOST_TEST(message.find("'" + entry.name + "'") != std::string::npos);
        }
        if (entry.high < std::numeric_limits<double>::infinity())
          BOOST_TEST(!takes(all.settings, entry,
                            entry.high_open ? entry.high
                            : whole         ? entry.high + 1
                                            : entry.high * 1.001 + 0.001,
                            message));
      }
    }
  });
}

BOOST_AUTO_TEST_CASE(conditions_name_settings_that_there_are) {
  for_each_model([](const ModelFactory& factory) {
    All all(factory);
    for (const auto& entry : all.settings.entries()) {
      BOOST_TEST_CONTEXT(entry.name) BOOST_CHECK_NO_THROW(all.settings.without_effect(entry.name));
      for (const auto& stage : entry.stages)
        BOOST_TEST((stage == "propose" || stage == "refine" || stage == "score"), stage);
    }
  });
}

BOOST_AUTO_TEST_CASE(presets_are_whole) {
  for_each_model([](const ModelFactory& factory) {
    std::set<std::string> names;
    for (const auto& preset : factory.make()->presets()) BOOST_TEST_CONTEXT(preset.name) {
        BOOST_TEST(names.insert(preset.name).second);
        BOOST_TEST(!preset.help.empty());
        BOOST_TEST(preset.help.find('\n') == std::string::npos);
        All all(factory);
        BOOST_REQUIRE_NO_THROW(all.settings.read_json(preset.settings));
        const auto settings = nlohmann::json::parse(preset.settings);
        for (const auto& [name, value] : settings.items()) {
          const auto why = all.settings.without_effect(name);
          BOOST_TEST(!why, name << " " << why.value_or(""));
        }
      }
  });
}

BOOST_AUTO_TEST_SUITE_END()
