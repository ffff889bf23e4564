#include "libtal/data/same_columns.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "libtal/base/spelling.h"
#include "libtal/base/text.h"

namespace tal {
namespace {

const std::string& title(const NamedTable& table, int column) { return table.header[static_cast<std::size_t>(column)]; }

// Rows as wide as the header; the others are an error when they are read.
template <class Fn>
void each_whole_row(const NamedTable& table, Fn&& fn) {
  for (const auto& row : table.rows)
    if (table.is_whole(row)) fn(row);
}

bool all_whole_numbers(const NamedTable& table, int column) {
  bool all = true, any = false;
  each_whole_row(table, [&](const auto& row) {
    const auto& text = table.field(row, column);
    if (is_empty_or_missing(text)) return;
    any = true, all = all && class_number(text).has_value();
  });
  return any && all;
}

// Whether each number of one column stands beside one name of the other, and each name beside one number.
bool number_each_other(const NamedTable& table, int numbers, int names) {
  std::map<std::string, std::string> forth, back;
  bool good = true;
  each_whole_row(table, [&](const auto& row) {
    const auto &number = table.field(row, numbers), &name = table.field(row, names);
    good = good && forth.emplace(number, name).first->second == name;
    good = good && back.emplace(name, number).first->second == number;
  });
  return good;
}

// Whether a column under another name of the role is plainly something else: a "type" beside the label is a kind of
// events; files beside the videos that are no videos or sound, or one of all videos, are what the table is made of.
bool is_something_else(const NamedTable& table, const std::string& role, int chosen, int other) {
  if (role == "label") return plain_name(title(table, other)) == "type" && plain_name(title(table, chosen)) != "type";
  if (role != "video") return false;
  static const std::vector<std::string> others = {".csv", ".tsv", ".txt",  ".json", ".jsonl", ".xml", ".eaf",
                                                  ".npy", ".npz", ".jpg",  ".jpeg", ".png",   ".srt", ".vtt",
                                                  ".mat", ".h5",  ".hdf5", ".xlsx", ".pkl"};
  bool any = false, no_videos = true;
  std::set<std::string> videos, files;
  each_whole_row(table, [&](const auto& row) {
    const auto &video = table.field(row, chosen), &file = table.field(row, other);
    if (is_empty_or_missing(file)) return;
    any = true, videos.insert(video), files.insert(file);
    const std::string name = lower_case(file);
    no_videos = no_videos && std::any_of(others.begin(), others.end(), [&](const auto& end) {
                  return name.ends_with(end) && !lower_case(video).ends_with(end);
                });
  });
  return any && (no_videos || (files.size() == 1 && videos.size() > 1));
}

}  // namespace

std::vector<int> others_called(const NamedTable& table, const ImportOptions& options, const std::string& role,
                               const std::vector<std::string>& names, int chosen) {
  std::vector<int> out;
  if (chosen < 0 || options.columns.count(role) > 0 || !is_one_of(names, title(table, chosen))) return out;
  for (int c = 0; c < static_cast<int>(table.header.size()); ++c)
    if (c != chosen && is_one_of(names, title(table, c))) out.push_back(c);
  return out;
}

std::string column_advice(const std::string& role, bool named) {
  return named ? "name the one that counts with --columns " + role + "=NAME" : "leave one of these columns out";
}

void refuse_contradictions(const NamedTable& table, int chosen, const std::vector<int>& others,
                           const std::string& advice,
                           const std::function<bool(const std::string&, const std::string&)>& same) {
  for (const int other : others) {
    const NamedTable::Row* first = nullptr;
    std::size_t count = 0;
    each_whole_row(table, [&](const auto& row) {
      const auto &own = table.field(row, chosen), &said = table.field(row, other);
      if (is_empty_or_missing(said) || own == said || same(own, said)) return;
      if (count++ == 0) first = &row;
    });
    if (first)
      throw Error("'" + title(table, chosen) + "' says '" + table.field(*first, chosen) + "', '" + title(table, other) +
                  "' '" + table.field(*first, other) + "'" +
                  (count > 1 ? " (and otherwise in " + std::to_string(count - 1) + " more rows)" : "") + ": " + advice)
          .at_line(table.source, first->line);
  }
}

bool same_video(const std::string& a, const std::string& b) {
  const std::string &longer = a.size() > b.size() ? a : b, name = video_id(a.size() > b.size() ? b : a);
  if (name.empty()) return false;
  const auto is_word = [&](std::size_t at) {
    return at < longer.size() && std::isalnum(static_cast<unsigned char>(longer[at]));
  };
  for (auto at = longer.find(name); at != std::string::npos; at = longer.find(name, at + 1))
    if (!(at > 0 && is_word(at - 1)) && !is_word(at + name.size())) return true;
  return false;
}

int texts_column(const NamedTable& table, const ImportOptions& options, const std::string& role,
                 const std::vector<std::string>& names, bool named, const Note& note) {
  int chosen = options.columns.count(role) > 0 ? column_of(table, options, role) : table.find(names);
  if (options.columns.count(role) == 0) refuse_second(table, chosen);
  auto others = others_called(table, options, role, names, chosen);
  const bool videos = role == "video";
  std::vector<std::string> numbering;
  for (std::size_t i = 0; i < others.size(); ++i) {
    const bool own = all_whole_numbers(table, chosen), said = all_whole_numbers(table, others[i]);
    if (own == said || !number_each_other(table, own ? chosen : others[i], own ? others[i] : chosen)) continue;
    if (own) std::swap(chosen, others[i]);
    numbering.push_back(title(table, others[i]));
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i--));
  }
  const auto same = [&](const auto& a, const auto& b) { return videos && same_video(a, b); };
  std::vector<std::string> left_out;
  std::erase_if(others, [&](int other) {
    if (!is_something_else(table, role, chosen, other)) return false;
    left_out.push_back(title(table, other));
    return true;
  });
  refuse_contradictions(table, chosen, others, column_advice(role, named), same);
  if (note && !left_out.empty())
    note(table.source + ": '" + title(table, chosen) + "' is read as the " + role + ", and '" +
         joined(left_out, "', '") + "' left out" + (named ? " (--columns " + role + "=NAME takes another)" : ""));
  if (note && !numbering.empty())
    note(table.source + ": '" + title(table, chosen) + "' is read, which '" + joined(numbering, "', '") +
         (numbering.size() == 1 ? "' numbers" : "' number") +
         (named ? " (--columns " + role + "=NAME takes another)" : ""));
  return chosen;
}

}  // namespace tal
