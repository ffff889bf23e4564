#include "libtal/base/text.h"

namespace tal {

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i) text += between;
    text += words[i];
  }
  return text;
}

}  // namespace tal
