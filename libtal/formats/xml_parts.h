// An XML file as a tree whose elements know their line.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "libtal/base/error.h"
#include "libtal/io/text_file.h"

namespace tal {

class XmlFile {
 public:
  // root: the name of the element that holds all. UTF-8, or UTF-16 with its mark. Error, with the line, for what is no
  // such document. Entities that a document defines itself are not known, and so harm nobody.
  XmlFile(const SourceText& source, const char* root);
  pugi::xml_node root() const { return root_; }
  Error at(Error error, const pugi::xml_node& node) const;
  std::uint64_t line(const pugi::xml_node& node) const;
  // An attribute. Error "missing" that names element and attribute.
  std::string required(const pugi::xml_node& node, const char* attribute) const;
  // As a number.
  double number(const pugi::xml_node& node, const char* attribute) const;
  // The element's own text, blanks and all.
  static std::string text(const pugi::xml_node& node);

 private:
  SourceText source_;
  std::string_view text_;
  pugi::xml_document document_;
  pugi::xml_node root_;
};

}  // namespace tal
