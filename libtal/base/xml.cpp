#include "libtal/base/xml.h"

#include "libtal/base/utf8.h"

namespace tal {

namespace {

constexpr char32_t kReplacement = 0xfffd;

// What XML 1.0 forbids, and the control characters that it advises against.
bool is_forbidden(char32_t code) {
  if (code == '\n' || code == '\r' || code == '\t') return false;
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= kReplacement && code < 0x10000);
}

}  // namespace

bool fits_xml(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    if (is_forbidden(next_code_point(text, at)) && text.substr(from, at - from) != "\xef\xbf\xbd") return false;
  }
  return true;
}

std::string escape_xml(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    const char32_t code = next_code_point(text, at);
    switch (code) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      case '\n': out += "&#10;"; break;
      case '\r': out += "&#13;"; break;
      case '\t': out += "&#9;"; break;
      default:
        if (is_forbidden(code)) out += "\xef\xbf\xbd";
        else out += text.substr(from, at - from);
    }
  }
  return out;
}

}  // namespace tal
