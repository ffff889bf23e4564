#include "libtal/base/number_advice.h"

#include "libtal/base/text.h"

namespace tal {

std::string number_advice(std::string_view text) {
  text = trim(text);
  if (text.ends_with('%')) {
    const auto share = trim(text.substr(0, text.size() - 1));
    const bool digits = !share.empty() && share.find_first_not_of("0123456789.,+-") == std::string_view::npos;
    return digits ? " (per cent? Write the share, 0.87 for 87 %)" : "";
  }
  // Groups of three digits behind one to three, with one sign between them, then decimals behind another one.
  std::string plain;
  std::string_view between;
  std::size_t at = text.find_first_of("+-") == 0 ? 1 : 0, group = 0, groups = 0;
  const auto digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  plain = text.substr(0, at);
  while (at < text.size()) {
    if (digit(at)) {
      plain += text[at++], ++group;
      continue;
    }
    std::string_view sign;
    for (const std::string_view each :
         {",", ".", " ", "'", "_", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89", "\xe2\x80\x99"})
      if (text.substr(at).starts_with(each)) sign = each;
    if (sign.empty() || group == 0 || group > 3 || (groups > 0 && group != 3)) return "";
    if (between.empty()) between = sign;
    at += sign.size();
    if (sign == between) {
      ++groups, group = 0;
      continue;
    }
    const auto decimals = text.substr(at);
    if ((sign != "." && sign != ",") || decimals.find_first_not_of("0123456789") != std::string_view::npos) return "";
    plain += '.' + std::string(decimals);
    at = text.size();
  }
  const bool grouped = groups > 0 && group == 3;
  return grouped ? " (with signs between thousands? Write " + plain + ")" : "";
}

}  // namespace tal
