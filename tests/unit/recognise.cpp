// --from auto: what a file looks like, and which format that is.
#include "libtal/formats/recognise.h"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "libtal/base/error.h"
#include "libtal/formats/formats.h"

using namespace tal;

namespace {

FileLook look(const std::string& name, const std::string& text) { return FileLook({name, text}); }

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tal-recognise-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name, const std::string& text) const {
    const auto path = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string format_of(const std::vector<std::string>& paths) {
  std::string note;
  try {
    const auto& format = recognise_format(paths, [&](const std::string& text) { note = text; });
    return note.find("is taken for " + format.name) != std::string::npos ? format.name : "no note";
  } catch (const Error& error) {
    return error.message();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recognise)

BOOST_AUTO_TEST_CASE(parts_of_files) {
  const auto json = look("a.json", "\xEF\xBB\xBF {\"a\":{\"x\":{\"list\":[]},\"y\":{\"list\":[1,{\"b\":\"text\"}]}}}");
  BOOST_TEST(json.has("a"));
  BOOST_TEST(json.has("a.y.list.[].b"));
  BOOST_TEST(json.has("a.*.list.[].b"));
  BOOST_TEST(json.is_text("*.*.list.[].b"));
  BOOST_TEST(!json.is_text("a.y.list"));
  BOOST_TEST(!json.has("a.x.list.[]"));
  BOOST_TEST(!json.has("b"));
  BOOST_TEST(!look("a.json", "{\"a\":{").has("a"));
  BOOST_TEST(json.columns().empty());

  const auto table = look("a.CSV.gz", "\"Video ID\";start_time;End (ms)\nv;1;2\n");
  BOOST_TEST(table.has_columns({"video-id", "start time"}));
  BOOST_TEST(table.has_columns({"stop|end_(ms)"}));
  BOOST_TEST(!table.has_columns({"label"}));
  BOOST_TEST(table.ends_with(".csv"));
  BOOST_TEST(!table.has("a"));

  BOOST_TEST(
      look("a", "\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<!-- <no> -->\n<!DOCTYPE x>\n<ROOT a=\"1\"/>").xml_root() ==
      "ROOT");
  BOOST_TEST(look("a", "<a>").xml_root() == "a");
  BOOST_TEST(look("a", "text <a>").xml_root() == "");
  BOOST_TEST(look("a", "<!-- open").xml_root() == "");

  const auto lines = look("a", "one\n\n  \r\ntwo\rthree\nfour");
  BOOST_TEST(lines.lines(3) == (std::vector<std::string_view>{"one", "two", "three"}),
             boost::test_tools::per_element());
  BOOST_TEST(look("a", std::string("a\0b\n", 4)).lines(3).empty());
  BOOST_TEST(look("a", "{\"video\":\"v\"}\n{").is_record());
  BOOST_TEST(!look("a", "{\"id\":\"v\"}\n").is_record());
}

BOOST_AUTO_TEST_CASE(formats_by_their_looks) {
  const Folder folder;
  const auto is = [&](const std::string& format, const std::string& name, const std::string& text) {
    const std::string got = format_of({folder.file(name, text)});
    BOOST_TEST(got == format, name + " is " + got + ", not " + format);
  };
  is("tal", "a.jsonl", "{\"video\":\"v\"}\n{\"video\":\"w\"}\n");
  is("tal", "long.jsonl", "{\"x\":\"" + std::string(100000, 'x') + "\",\"video\":\"v\"}\n");
  is("activitynet-gt", "gt.json", "{\"version\":\"1\",\"database\":{\"v\":{\"annotations\":[]}}}");
  is("activitynet-gt", "bare.json",
     "{\"v\":{\"annotations\":[]},\"w\":{\"annotations\":[{\"segment\":[1,2],\"label\":\"a\"}]}}");
  is("activitynet-results", "r.json",
     "{\"results\":{\"u\":[],\"v\":[{\"segment\":[1,2],\"score\":1,\"label\":\"a\"}]}}");
  is("activitynet-classification", "c.json", "{\"results\":{\"v\":[{\"score\":1,\"label\":\"a\"}]}}");
  is("thumos14-gt", "Run_val.txt", "v 1 2\nw 3 4\n");
  is("thumos14-results", "d.txt", "v 1 2 7 0.5\n");
  is("ssn-proposals", "s.txt", "# 1\nv\n100\n1\n0\n0\n");
  is("bsn-proposals", "p.csv", "xmin,xmax,xmin_score\n0.1,0.2,1\n");
  is("segments-csv", "t.csv", "video,start_ms,end_ms,label\nv,1,2,a\n");
  is("detections-csv", "d.csv", "video\tstart\tend\tlabel\tscore\nv\t1\t2\ta\t0.5\n");
  is("hacs-clips", "c.csv", "classname,youtube_id,subset,start,end,label\nArchery,a,training,1,3,-1\n");
  is("audioset", "e.csv",
     "# Segments\n# YTID, start_seconds, end_seconds, positive_labels\na, 1.0, 2.0, \"/m/1,/m/2\"\n");
  is("crosstask", "23521_LSDg.csv", "1,4.5,9\n3,20,31\n");
  is("keysteps", "k.json", R"({"annotations":{"a":{"segments":[{"start_time":1,"end_time":2,"step_name":"x"}]}}})");
  is("segments-csv", "r.csv", "start,end,label\n1,2,a\n");
  is("detections-csv", "r.csv", "start,end,label,score\n1,2,a,0.5\n");
  is("features", "f.npy", std::string("\x93NUMPY\x01\0", 8));
  is("does not look like a format that can be told by itself; give --from FORMAT", "x.txt", "hello\n");
  is("is empty; give --from FORMAT", "empty.txt", "");

  const Folder classes;
  classes.file("Run_val.txt", "v 1 2\n");
  classes.file("detclasslist.txt", "7 Run\n");
  BOOST_TEST(format_of({classes.path()}) == "thumos14-gt");
  BOOST_TEST(format_of({classes.file("a.csv", "video,start,end\nv,1,2\n"), classes.file("b.txt", "v 1 2 7 0.5\n")})
                 .starts_with("looks like thumos14-results, '"));
}

BOOST_AUTO_TEST_SUITE_END()
