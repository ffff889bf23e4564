// A feature file of one or more arrays: .npy, .npz, HDF5, MATLAB, tables of text. Its arrays by name, which of them can
// be streams of features, and their rows.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libtal/data/import.h"
#include "libtal/data/mat_file.h"
#include "libtal/io/csv.h"
#include "libtal/io/features.h"
#include "libtal/io/hdf5.h"
#include "libtal/io/npz.h"

namespace tal {

class ArrayFile {
 public:
  // What an array of an archive can be. A vector is a stream only where its video has no matrix, one value only where
  // there is nothing else.
  enum class Kind { kNone, kOne, kVector, kMatrix };
  struct Entry {
    std::string name;
    Kind kind = Kind::kMatrix;
    std::string what;  // why kNone, or what else it may be: "text", "one value", "a vector"
    std::vector<std::int64_t> shape;
    bool fact = false;  // says what the rows beside it are (fps, stride, window, offset), and is none itself
    std::string own_name() const { return name.substr(name.rfind('/') + 1); }  // without its groups
  };
  // A number that the file states of the time of its rows.
  struct Fact {
    std::string place;           // "'v1/fps'", "attribute 'fps' of 'v1'"
    std::vector<double> values;  // one number or two; empty: `other`
    std::string other;           // what stands there else: "text", "4 values"
  };
  struct Array {
    FeatureMatrix matrix;                            // [rows, dim]; empty when `as_is`
    bool as_is = false;                              // a stage can read the file itself
    bool vector = false;                             // has one dimension where it stands
    std::int64_t rows = 0, dim = 0;                  // when `as_is`
    std::vector<std::string> left_out, counting;     // of a table: first columns that are no values; NumberTable's
    std::vector<RowPlaces> places;                   // those of them that hold numbers
    std::vector<VideoFact> told;                     // of a table: columns that say one thing of the video
    std::map<std::string, std::vector<Fact>> facts;  // by name; several that are equally near to the rows
    std::vector<std::string> untaken;                // attributes that seem to tell of the rows' time, and are no facts
  };

  // Opens the file, and looks through an archive without reading its data. Error with what is wrong, without the path
  // where the format's reader does not name it. Of tables of text: their dialect, and the columns that are chosen.
  explicit ArrayFile(const std::string& path, const TableDialect& dialect = {}, std::vector<std::string> columns = {});

  bool archive() const { return format_ == Format::kMat || format_ == Format::kHdf5 || format_ == Format::kNpz; }
  bool grouped() const { return hdf5_ != nullptr; }                         // whose names may be GROUP/NAME
  const std::vector<Entry>& entries() const { return entries_; }            // of an archive, in their natural order
  Array read(const std::string& name, const FeatureImport& options) const;  // "": of a file that is no archive

 private:
  // What the file is by its first bytes, whatever its name says.
  enum class Format { kTable, kNpy, kNpz, kHdf5, kMat };
  static Format format_of(std::string_view bytes, const std::string& path);
  void open_mat();
  void open_hdf5();
  void open_npz();
  std::string_view bytes() const { return file_ ? file_->bytes() : std::string_view(unpacked_); }
  void take_facts();
  Fact fact(const Entry& entry) const;
  std::map<std::string, std::vector<Fact>> facts_of(const std::string& name) const;
  std::vector<std::string> untaken_attributes(const std::string& name) const;

  std::string path_;
  Format format_ = Format::kTable;
  std::string unpacked_;                                                   // of a file that gzip has packed
  std::map<std::string, std::map<std::string, std::vector<Fact>>> facts_;  // by group ("": at the top) and name
  TableDialect dialect_;                                                   // of tables of text
  std::vector<std::string> columns_;                                       // of them, none: all
  std::map<std::string, MatArray> mat_;                                    // MATLAB level 5
  std::unique_ptr<MappedFile> file_;
  std::unique_ptr<Npz> npz_;
  std::unique_ptr<Hdf5File> hdf5_;
  std::map<std::string, Hdf5Dataset> datasets_;
  std::vector<Entry> entries_;
};

}  // namespace tal
