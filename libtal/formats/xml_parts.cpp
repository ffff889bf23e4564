#include "libtal/formats/xml_parts.h"

#include <algorithm>

#include "libtal/base/number.h"
#include "libtal/base/text.h"

namespace tal {

XmlFile::XmlFile(const SourceText& source, const char* root) : source_(decoded_utf16(source)) {
  text_ = utf8_text(source_);
  const auto parsed = document_.load_buffer(text_.data(), text_.size(),
                                            pugi::parse_default | pugi::parse_ws_pcdata_single, pugi::encoding_utf8);
  if (!parsed) {
    const auto byte = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, parsed.offset));
    throw Error(std::string("not valid XML: ") + parsed.description())
        .at_line(source_.name, place_of(text_, byte).line);
  }
  root_ = document_.document_element();
  if (std::string_view(root_.name()) != root)
    throw Error("is an XML document of <" + std::string(root_.name()) + ">, not of <" + root + ">")
        .at_line(source_.name, line(root_));
}

std::uint64_t XmlFile::line(const pugi::xml_node& node) const {
  const auto offset = node.offset_debug();
  return offset < 0 ? 0 : place_of(text_, static_cast<std::size_t>(offset)).line;
}

Error XmlFile::at(Error error, const pugi::xml_node& node) const { return error.at_line(source_.name, line(node)); }

std::string XmlFile::required(const pugi::xml_node& node, const char* attribute) const {
  const auto found = node.attribute(attribute);
  if (!found) throw at(Error("missing").at_field(std::string(node.name()) + "." + attribute), node);
  return found.value();
}

double XmlFile::number(const pugi::xml_node& node, const char* attribute) const {
  try {
    return parse_number(trim(required(node, attribute)));
  } catch (Error& error) {
    throw at(error.at_field(std::string(node.name()) + "." + attribute), node);
  }
}

std::string XmlFile::text(const pugi::xml_node& node) {
  std::string out;
  for (const auto& child : node.children())
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) out += child.value();
  return out;
}

}  // namespace tal
