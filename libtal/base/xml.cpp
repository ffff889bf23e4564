#include "libtal/base/xml.h"

#include "libtal/base/utf8.h"

namespace tal {

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
      case '\t': out += "&#9;"; break;
      default:
        if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code >= 0xfffd) {
          if (code >= 0x10000) out += text.substr(from, at - from);
          else out += "\xef\xbf\xbd";
        } else {
          out += text.substr(from, at - from);
        }
    }
  }
  return out;
}

}  // namespace tal
