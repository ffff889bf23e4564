// What a file is that is not what its reader expects.
#pragma once

#include <string>
#include <string_view>

namespace tal {

struct FileKind {
  const char* what;      // "a Git LFS pointer"
  const char* not_what;  // what it therefore is not: "UTF-8 text", "the file itself"
  const char* remedy;    // "git lfs pull fetches it"
};

// By the first bytes; nullptr: not known. Archives and arrays are kinds too: for readers that do not take them.
const FileKind* file_kind(std::string_view bytes);

// The same of videos, sound, pictures and weights: for readers of text, to whom they are foreign.
const FileKind* media_kind(std::string_view bytes);

// Both, for readers of text. Error (kNotUtf8) that says what it is, and what to do.
const FileKind* foreign_kind(std::string_view bytes);
void refuse_foreign(std::string_view bytes, const std::string& source);

// " (it is a Git LFS pointer, not the file itself: git lfs pull fetches it)", " (it is empty)", or "" when nothing is
// known: what an error adds to "not an .npy file".
std::string what_it_is(std::string_view bytes);

// How the pictures of one video, in a folder ("" or "a/") and with an ending (".png"), become it.
std::string picture_advice(const std::string& folder, const std::string& ending);

}  // namespace tal
