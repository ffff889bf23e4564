// HDF5 feature files (.h5, .hdf5), read through the C library. Only what lies in the file itself is read: soft links
// are followed, external links, external raw storage and virtual data sets are refused. One thread at a time is let
// into the library.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/io/features.h"

namespace tal {

// Of a data set or a group.
struct Hdf5Attribute {
  std::string object;          // whose it is: its path without the first '/'; "" = the root group
  std::vector<double> values;  // one number (a text that is one, too) or two; empty: `other`
  std::string other;           // what it holds else: "the text 'x'", "4 values"
};

struct Hdf5Dataset {
  std::string name;                 // path below the root as links lead there, without the first '/'
  std::vector<std::int64_t> shape;  // of MATLAB's v7.3 files: as MATLAB shows it (the file holds it reversed)
  bool matlab = false;              // a variable of a v7.3 .mat file
  std::string other;                // what it holds when that is no integers or floats ("text"): cannot be read
  std::string problem;              // why nothing is there: a link that is not followed or leads nowhere; "" otherwise
  std::map<std::string, Hdf5Attribute> attributes;  // and those of the groups around it where it has none of a name
  bool readable() const { return other.empty() && problem.empty(); }
};

// A field of a data set of records (compound type).
struct Hdf5Field {
  std::string name;
  std::size_t width = 0;        // numbers in each record: 1, or more of an array; 0: texts
  std::vector<double> numbers;  // [records, width]
  std::vector<std::string> texts;
};

class Hdf5File {
 public:
  explicit Hdf5File(const std::string& path);           // Error with the path; also when built without HDF5
  static Hdf5File from_memory(std::string_view bytes);  // the bytes are copied
  ~Hdf5File();
  Hdf5File(Hdf5File&& other) noexcept;
  Hdf5File& operator=(Hdf5File&&) = delete;

  // By name, and every name of what has several; without what MATLAB keeps for itself (#refs#, #subsystem#).
  std::vector<Hdf5Dataset> datasets() const;
  // A data set of 1 or 2 dimensions (1: one column; none: one value) after extents of 1 were squeezed out. Error names
  // the data set.
  FeatureMatrix read(const std::string& name) const;
  // Its values as doubles, in the file's order: of what says something about rows and is none itself.
  std::vector<double> numbers(const std::string& name) const;
  // The same of a data set of numbers with any extents.
  std::vector<double> values(const std::string& name) const;
  // The texts of a data set of strings; the fields of a data set of records (of numbers, truth values, strings of a
  // fixed length and arrays of numbers: Error for a field of another type).
  std::vector<std::string> texts(const std::string& name) const;
  std::vector<Hdf5Field> fields(const std::string& name) const;
  // The text of a data set's attribute; "": it has none of that name, or one of another kind.
  std::string attribute(const std::string& dataset, const std::string& name) const;

 private:
  Hdf5File() = default;
  std::int64_t file_ = -1;
};

// Whether this build reads HDF5.
bool have_hdf5();

}  // namespace tal
