// Whether warnings that a library writes to stderr by itself (LibTorch) are wanted: with --verbose. A tool's own
// messages name the record and what can be done; a library's names a line of its source, so nobody hears it unasked.
#pragma once

namespace tal {

void want_library_warnings(bool wanted);  // of the whole process; before the library is opened
bool library_warnings_wanted();           // false at first

}  // namespace tal
