#include "libtal/io/feature_settings.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tal {
namespace {

struct Word {
  std::string name, text;
};

std::string name_of(std::string_view word, bool first) {
  if (word.front() == '[') return "preprocessing";
  const auto end = word.find('=');
  if (end == std::string_view::npos && first) return "encoder";
  return std::string(word.substr(0, end));
}

// Split at blanks that stand in no brackets.
std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ' ';
    depth += (c == '[') - (c == ']' && depth > 0);
    if (i < text.size() && (c != ' ' || depth > 0)) continue;
    if (const auto word = text.substr(begin, i - begin); !word.empty())
      words.push_back({name_of(word, words.empty()), std::string(word)});
    begin = i + 1;
  }
  return words;
}

std::string word_of(std::vector<Word>& words, const std::string& name) {
  const auto found = std::find_if(words.begin(), words.end(), [&](const Word& word) { return word.name == name; });
  if (found == words.end()) return "";
  std::string text = std::move(found->text);
  words.erase(found);
  return text;
}

std::string sides(const std::vector<SettingsDifference>& differences, std::string SettingsDifference::*side) {
  std::string text;
  for (const auto& difference : differences)
    if (!(difference.*side).empty()) text += (text.empty() ? "" : ", ") + difference.*side;
  return text.empty() ? "nothing of the kind" : text;
}

}  // namespace

std::string feature_settings(std::string_view parameters) {
  static constexpr std::array<std::string_view, 4> kComputing = {"device", "precision", "torch", "batch"};
  std::string text;
  for (const auto& word : words_of(parameters))
    if (std::find(kComputing.begin(), kComputing.end(), word.name) == kComputing.end())
      text += (text.empty() ? "" : " ") + word.text;
  return text;
}

std::vector<SettingsDifference> settings_differences(std::string_view first, std::string_view second) {
  std::vector<SettingsDifference> differences;
  auto others = words_of(second);
  for (const auto& word : words_of(first))
    if (auto other = word_of(others, word.name); other != word.text)
      differences.push_back({word.text, std::move(other)});
  for (auto& other : others) differences.push_back({"", std::move(other.text)});
  return differences;
}

std::string first_sides(const std::vector<SettingsDifference>& differences) {
  return sides(differences, &SettingsDifference::first);
}
std::string second_sides(const std::vector<SettingsDifference>& differences) {
  return sides(differences, &SettingsDifference::second);
}

}  // namespace tal
