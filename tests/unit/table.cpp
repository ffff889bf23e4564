// Tables, lists and class lists as people and programs write them: separators, decimal commas, line ends, headers.
#include <boost/test/unit_test.hpp>

#include "libtal/base/video_id.h"
#include "libtal/data/tables.h"
#include "libtal/io/csv.h"
#include "libtal/io/time_text.h"

namespace {

using namespace tal;

using Lines = std::vector<std::vector<std::string>>;

Lines rows_of(const std::string& text) {
  const SourceText source{"t", text};
  Lines out;
  for (RowReader rows = open_table(source, {}, BlankColumns::kAlways).rows("t"); rows.next();)
    out.emplace_back(rows.fields().begin(), rows.fields().end());
  return out;
}

template <class Fn>
std::string fault(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::map<std::int64_t, std::string> classes(const std::string& text) { return parse_classes({"c", text}); }
std::string class_fault(const std::string& text) {
  return fault([&] { classes(text); });
}

const std::map<std::int64_t, std::string> kRunJump = {{0, "Run"}, {1, "Jump"}};

std::vector<float> numbers(const std::string& text, const TableDialect& dialect = {}) {
  return parse_number_table({"n", text}, {}, dialect).values.values;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(table)

BOOST_AUTO_TEST_CASE(the_separator_is_found) {
  const Lines wanted = {{"a", "b"}, {"1", "2.5"}, {"x y", "3"}};
  for (const char* text :
       {"a,b\n1,2.5\nx y,3\n", "a;b\r\n1;2.5\r\nx y;3", "a\tb\r1\t2.5\rx y\t3\r",
        "\xef\xbb\xbf"
        "a|b\n1|2.5\nx y|3\n",
        "sep=;\na;b\n1;2.5\nx y;3\n", "\"sep=,\"\r\n\"a\",\"b\"\r\n\"1\",\"2.5\"\r\n\"x y\",\"3\"\r\n",
        "\n a , b \n1, 2.5\n\nx y ,3\n", "a b\n1 2.5\n\"x y\"\t3 \n"})
    BOOST_TEST((rows_of(text) == wanted), text);
  BOOST_TEST((rows_of("video;label\nv1;a, b\nv2;c\n") == Lines{{"video", "label"}, {"v1", "a, b"}, {"v2", "c"}}));
  BOOST_TEST((rows_of("v;t\nv1;0,5\nv2;1,5\n") == Lines{{"v", "t"}, {"v1", "0,5"}, {"v2", "1,5"}}));
  BOOST_TEST((rows_of("0,5 0,7\n1,5 2,5\n") == Lines{{"0,5", "0,7"}, {"1,5", "2,5"}}));
  BOOST_TEST((rows_of("0,5\t0,7\n") == Lines{{"0,5", "0,7"}}));
  BOOST_TEST(says(fault([] { rows_of("a,b;c\nd,e;f\n"); }), "t:1: the columns may be separated by"));
  BOOST_TEST((rows_of("\"a\nb\",\"c\"\"d\"\n1,2\n") == Lines{{"a\nb", "c\"d"}, {"1", "2"}}));
  BOOST_TEST(fault([] { rows_of("a,b\n1,\"2\n3,4\n"); }) == "t:2: a quoted field is not closed");
  BOOST_TEST(fault([] { rows_of("a,b\r\"1\r2\"x,3\r"); }) == "t:3: text behind a quoted field");
}

BOOST_AUTO_TEST_CASE(encodings_are_named) {
  const auto read = [](std::string text) { return fault([&] { (void)utf8_text({"t", text}); }); };
  BOOST_TEST(says(read(std::string("\xff\xfe"
                                   "a\0b\0",
                                   6)),
                  "is UTF-16 text"));
  BOOST_TEST(says(read(std::string("\xfe\xff\0a\0b", 6)), "is UTF-16 text"));
  BOOST_TEST(says(read(std::string("a\0b\0c\0", 6)), "is UTF-16 text"));
  BOOST_TEST(says(read(std::string("\0a\0b", 4)), "is UTF-16 text"));
  BOOST_TEST(says(read(std::string("\xff\xfe\0\0a\0\0\0", 8)), "is UTF-32 text"));
  BOOST_TEST(says(read("PK\3\4xyz"), "ZIP"));
  const auto foreign = read("ok\n\xc3\xa9\xe9 x\n");
  BOOST_TEST(foreign.starts_with("t:2: not valid UTF-8: save it as UTF-8, or iconv -f ENCODING -t UTF-8"), foreign);
  BOOST_TEST(foreign.ends_with("(column 3)"), foreign);
  for (const char* encoding : {"WINDOWS-1252", "SHIFT_JIS", "GB18030"}) BOOST_TEST(says(foreign, encoding));
  BOOST_TEST(says(read(std::string("abcdef\nab\0", 10)), "t:2: holds a zero byte"));
  BOOST_TEST(says(read("caf\xe9"), "t:1: not valid UTF-8"));
  const SourceText text{"t", "a\rb\r\nc\n\nd"};
  BOOST_TEST((split_lines(text) == std::vector<std::string_view>{"a", "b", "c", "", "d"}));
}

// What other programs keep tables in; their marks are letters, with which an id may begin.
BOOST_AUTO_TEST_CASE(tables_of_other_programs_are_named) {
  const auto read = [](std::string_view text) { return fault([&] { (void)utf8_text({"t", std::string(text)}); }); };
  using namespace std::string_view_literals;
  for (const auto& [bytes, what] :
       {std::pair{"PAR1\x15\x04\x15\x10"sv, "t: is a Parquet file, not UTF-8 text: save its"},
        {"ARROW1\0\0\xff\xff"sv, "a Feather or Arrow file"},
        {"FEA1\0\0\0\0\1"sv, "a Feather or Arrow file"},
        {"<stata_dta><header>"sv, "a file of Stata"},
        {"\x72\2\1\0\3"sv, "a file of Stata"},
        {"$FL2@(#) SPSS"sv, "a file of SPSS"},
        {"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60"sv, "a file of SAS"},
        {"X\n\0\0\0\3"sv, "a file of R"},
        {"RDX3\nX\n\0"sv, "a file of R"},
        {"Obj\1\4"sv, "an Avro file"},
        {"{\\rtf1 a"sv, "RTF"},
        {"%PDF-1.4"sv, "copy its table into a file of text"},
        {"PK\3\4"sv, "unpack it, or save it as CSV"}})
    BOOST_TEST(says(read(bytes), what), read(bytes));
  for (const char* text : {"PAR1,0,1\n", "PAR1\n", "PAR1", "ARROW1 a\n", "Obj\n", "RDX3\n", "X\n1\n"})
    BOOST_TEST(read(text) == "no error");
}

// Numbers in JSON are no table of numbers; a table may begin with a bracket in a name.
BOOST_AUTO_TEST_CASE(json_is_no_table_of_numbers) {
  const auto read = [](std::string text) { return fault([&] { (void)parse_number_table({"t", text}); }); };
  for (const char* text : {"[[0.1,0.2],[0.3,0.4]]", "[\n [0.1],\n [0.2]\n]", "[{\"a\":1}]"})
    BOOST_TEST(says(read(text),
                    "t: is JSON (or what Python prints), no table of numbers: load it in Python and save its "
                    "rows, numpy.save('FILE.npy'"),
               read(text));
  BOOST_TEST(says(read("{\"v1\":[[0.1,0.2]]}"), "numpy.savez('FILE.npz', **json.load(open('FILE.json')))"));
  BOOST_TEST(
      says(read("{\"video\":\"v\",\"duration\":1}\n"), "records and no rows of numbers: tal-convert --from tal"));
  BOOST_TEST(read("[a],{b}\n1,2\n") == "no error");
}

BOOST_AUTO_TEST_CASE(numbers_and_times_of_the_clock) {
  BOOST_TEST(table_number("1e3", '.') == 1000);
  BOOST_TEST(table_number("+0.5", '.') == 0.5);
  BOOST_TEST(table_number(" -1,25 ", ',') == -1.25);
  BOOST_TEST(table_number("7", ',') == 7);
  for (const char* bad : {"", "1 234,5", "1.234,5", "1,2,3", "nan", "inf", "+-5", "0x10", "5s", "1.5"})
    BOOST_CHECK_THROW(table_number(bad, ','), Error);
  for (const char* bad : {"1,5", "NaN", "1_000", "50%", "1 234", "--1"})
    BOOST_CHECK_THROW(table_number(bad, '.'), Error);
  BOOST_TEST(written_seconds("00:01:02.5") == 62.5);
  BOOST_TEST(written_seconds("1:00:00") == 3600);
  BOOST_TEST(written_seconds("75:30") == 4530);
  BOOST_TEST(written_seconds("00:00:01,250") == 1.25);
  for (const char* bad : {"00:75:00", "00:60", "1:2:3:4", "1:", "1:2x", "1:2.", "1.5:2", "1:-2", "1:2,5,6"})
    BOOST_CHECK_THROW(written_seconds(bad), Error);
}

BOOST_AUTO_TEST_CASE(a_decimal_comma_is_seen_or_refused) {
  const auto sign = [](std::vector<std::string> fields, char separator, TableDialect dialect = {}) {
    return fault([&] {
      DecimalSign decimal(dialect, separator);
      for (std::size_t i = 0; i < fields.size(); ++i) decimal.see(fields[i], i + 1);
      throw Error(std::string(1, decimal.decide("t")));
    });
  };
  BOOST_TEST(sign({"1.5", "2"}, ',') == ".");
  BOOST_TEST(sign({"1,5", "2"}, '\t') == ",");
  BOOST_TEST(sign({"1,234"}, ';') == ",");
  BOOST_TEST(says(sign({"2", "1,234"}, '\t'), "t:2: '1,234' may be a decimal comma or thousands"));
  BOOST_TEST(sign({"1,234"}, '\t', {0, ',', 0}) == ",");
  BOOST_TEST(sign({"0,234"}, '\t') == ",");
  BOOST_TEST(sign({"1234,567"}, '\t') == ",");
  BOOST_TEST(says(sign({"1,5", "2.5"}, ';'), "t:2: '2.5' has a decimal point, '1,5' in line 1 a comma"));
  BOOST_TEST(sign({"a,b", "00:00:01,5", "1,2,3"}, '\t') == ".");
}

BOOST_AUTO_TEST_CASE(headers_of_number_tables) {
  const std::vector<float> wanted = {0.5f, 0.25f, 1.5f, -2};
  for (const char* text :
       {"0.5,0.25\n1.5,-2\n", "a,b\n0.5,0.25\n1.5,-2\n", ",f0,f1\n0,0.5,0.25\n1,1.5,-2\n",
        "\"\",\"V1\",\"V2\"\n\"1\",0.5,0.25\n\"2\",1.5,-2\n", "Unnamed: 0,a,b\n0,0.5,0.25\n1,1.5,-2\n",
        ",0,1\n0,0.5,0.25\n1,1.5,-2\n", "\"a\",\"b\"\n\"0.5\",\"0.25\"\n\"1.5\",\"-2\"\n", "0,5;0,25\n1,5;-2\n",
        "0,5\t0,25\n1,5\t-2,0\n", "0,5 0,25\n1,5 -2\n", "\"0,5\",\"0,25\"\n\"1,5\",\"-2\"\n"})
    BOOST_TEST((numbers(text) == wanted), text);
  BOOST_TEST(numbers("0,1,2\n0.5,0.25,0\n").size() == 3u);
  BOOST_TEST(numbers("1,2,3\n0.5,0.25,0\n").size() == 3u);
  BOOST_TEST(numbers("0;1;2\r\n0,5;0,25;0\r\n").size() == 3u);
  for (const char* text : {"0,1,2\n3,4,5\n", "0,1\n0.3,0.7\n", "0\n0.5\n", "0,1,2\n"}) {
    BOOST_TEST(says(fault([&] { numbers(text); }), "n:1: the first line counts the columns"), text);
    const auto all = numbers(text, {0, 0, 'n'}), rest = numbers(text, {0, 0, 'y'});
    BOOST_TEST(all.size() > rest.size());
    BOOST_TEST(all.front() == 0);
  }
  BOOST_TEST(says(fault([] { numbers(",a\n3,0.5\n"); }), "n:2: the first column has no name"));
  BOOST_TEST(says(fault([] { numbers(",0.5\n1,2\n"); }), "n:1: column 1: ''"));  // a value is missing: no header
  BOOST_TEST(says(fault([] { numbers("nan,0.5\n1,2\n"); }), "n:1: column 1: 'nan'"));
  BOOST_TEST(says(fault([] { numbers("1,2\n,\n3,4\n"); }), "n:2: column 1: ''"));  // a row is not lost
  BOOST_CHECK_THROW(parse_number_table({"n", "a,a\n1,2\n"}, {"a"}), Error);
}

// A line of numbers and texts is not lost: a value that cannot be read, or names.
BOOST_AUTO_TEST_CASE(a_first_line_that_is_partly_numbers) {
  for (const auto& [text, column, field] : {std::tuple{"0.1,0.2,-\n0.3,0.4,0.5\n", 3, "-"},
                                            {"O.3,0.2\n0.3,0.4\n", 1, "O.3"},
                                            {"O.3\n0.4\n", 1, "O.3"},
                                            {"-\n0.4\n", 1, "-"},
                                            {"1\u00a0234.5,0.2\n0.3,0.4\n", 1, "1<U+00A0>234.5"},
                                            {"\xe2\x88\x92"
                                             "0.1;\xe2\x88\x92"
                                             "0.2\n0.3;0.4\n",
                                             1,
                                             "\xe2\x88\x92"
                                             "0.1"},
                                            {"1 234.5;2\n3;4\n", 1, "1 234.5"},
                                            {"0.5,x\n0.3,0.4\n", 2, "x"},
                                            {"label,2019,2020\n1,2,3\n", 1, "label"}})
    BOOST_TEST(says(fault([&, text = text] { numbers(text); }),
                    "n:1: column " + std::to_string(column) + ": '" + field + "' is not a number"),
               text);
  BOOST_TEST(numbers("height,2019,2020\n1,2,3\n", {0, 0, 'y'}).size() == 3u);
  for (const char* text :
       {"Unnamed: 0,0,1\n0,0.5,0.25\n1,1.5,-2\n", "index,0,1\n0,0.5,0.25\n1,1.5,-2\n", "O1,O2\n0.5,0.25\n1.5,-2\n"})
    BOOST_TEST((numbers(text) == std::vector<float>{0.5f, 0.25f, 1.5f, -2}), text);
  BOOST_TEST(says(fault([] { numbers("1,2,walk\n3,4,run\n"); }), "n:1: column 3: 'walk' is not a number"));
  const SourceText four{"n", "a,b,c,d-e\n1,2,3,4\n5,6,7,9\n"};
  for (const std::vector<std::string>& asked :
       {std::vector<std::string>{"2-4"}, {"b:d-e"}, {"b-d-e"}, {"2..4"}, {"b", " 3", "4"}, {"b-c", "d-e"}})
    BOOST_TEST((parse_number_table(four, asked).values.values == std::vector<float>{2, 3, 4, 6, 7, 9}), asked[0]);
  for (const std::vector<std::string>& asked :
       {std::vector<std::string>{"c-b"}, {"0-2"}, {"2-5"}, {"a b"}, {"b", "2"}, {"a-b", "b"}, {""}})
    BOOST_CHECK_THROW(parse_number_table(four, asked), Error);
  const auto chosen = parse_number_table({"n", "1,2,walk\n3,4,run\n"}, {"1", "2"});  // no header that text makes
  BOOST_TEST((chosen.values.values == std::vector<float>{1, 2, 3, 4}));
}

BOOST_AUTO_TEST_CASE(columns_that_number_the_rows) {
  const std::vector<float> wanted = {0.5f, 0.25f};
  for (const char* text :
       {"Unnamed: 0.1,Unnamed: 0,a\n0,0,0.5\n1,1,0.25\n", ",Unnamed: 0,a\n0,0,0.5\n1,1,0.25\n",
        "index,a\n0,0.5\n1,0.25\n", "frame,a\n0,0.5\n16,0.25\n", "frame_idx,a\n5,0.5\n6,0.25\n", "#,a\n1,0.5\n2,0.25\n",
        "Time (s),a\n0,0.5\n0.04,0.25\n", "frame,timestamp,a\n0,00:00:01,0.5\n1,00:00:02,0.25\n",
        "timestamp,a\n2026-01-01 10:00,0.5\n2026-01-01 10:01,0.25\n", ",a\nx,0.5\ny,0.25\n"}) {
    const auto table = parse_number_table({"n", text});
    BOOST_TEST((table.values.values == wanted), text);
    BOOST_TEST(!table.left_out.empty(), text);
  }
  for (const char* text : {"a,b\n0,0.5\n1,0.25\n", "time\n0.5\n0.75\n"})
    BOOST_TEST(parse_number_table({"n", text}).left_out.empty(), text);
  for (const char* name : {"X", "...1", "id", "row.names", "no"}) {
    const auto index = parse_number_table({"n", std::string(name) + ",a\n1,0.5\n2,0.25\n"});
    BOOST_TEST((index.values.values == wanted), name);
    BOOST_TEST((index.left_out == std::vector<std::string>{name}), name);
    // X may be an axis.
    const auto apart = parse_number_table({"n", std::string(name) + ",a\n3,0.5\n5,0.25\n"});
    BOOST_TEST(apart.values.dim == (name[0] == 'X' ? 2 : 1), name);
  }
  using Names = std::vector<std::string>;
  BOOST_TEST((parse_number_table({"n", "a,b\n0,0.5\n1,0.25\n2,0\n"}).counting == Names{"a"}));
  BOOST_TEST((parse_number_table({"n", "a,b\n0.5,1\n0.25,2\n0,3\n"}).counting == Names{"b"}));
  BOOST_TEST((parse_number_table({"n", "0.5,1\n0.25,2\n0,3\n"}).counting == Names{"column 2"}));
  BOOST_TEST(parse_number_table({"n", "a,b\n0,0.5\n1,0.25\n3,0\n"}).counting.empty());
  BOOST_TEST(parse_number_table({"n", "a,b\n0,0.5\n1,0.25\n"}).counting.empty());                     // by chance
  BOOST_TEST(parse_number_table({"n", "frame,a\n0,0.5\n1,0.25\n"}, {"frame", "a"}).values.dim == 2);  // asked for
  for (const char* text : {"time,a\n2,0.5\n1,0.25\n", "frame,a\n3,0.5\n"})
    BOOST_TEST(says(fault([&] { numbers(text); }), "does not rise from row to row"), text);
  for (const char* text : {"0,0.5\n1,0.25\n", "1,3,4\n2,5,6\n3,1,1\n", "0,5\n0.04,2\n0.08,2\n0.12,2\n0.16,1\n"})
    BOOST_TEST(says(fault([&] { numbers(text); }), "n:1: the first column counts the rows"), text);
  BOOST_TEST(numbers("1,0,0\n2,1,1\n").size() == 6u);  // by chance
}

BOOST_AUTO_TEST_CASE(what_columns_are_by_their_names) {
  using enum RowColumn;
  for (const auto& [name, kind] :
       std::initializer_list<std::pair<const char*, RowColumn>>{{"start_row", kStart},  {"endFrame", kEnd},
                                                                {"t_start", kStart},    {"Window End (s)", kEnd},
                                                                {"clip_start", kStart}, {"frame_start", kStart},
                                                                {"front_end", kValue},  {"from", kValue},
                                                                {"t0", kValue},         {"offset", kValue},
                                                                {"id", kIndex},         {"row.names", kIndex},
                                                                {"X", kMayIndex},       {"x", kValue},
                                                                {"frame_idx", kPlace},  {"Time (ms)", kPlace},
                                                                {"fps", kRate},         {"Frame Rate", kRate},
                                                                {"nFrames", kLength},   {"duration_s", kLength},
                                                                {"subject_id", kName},  {"video", kName},
                                                                {"split", kSubset},     {"class_id", kLabel},
                                                                {"framework", kValue},  {"timeout_rate", kValue},
                                                                {"start_speed", kValue}})
    BOOST_TEST((row_columns({name, "a"})[0] == kind), name);
  for (const auto& [start, end] :
       {std::pair("from", "to"), {"t0", "t1"}, {"first", "last"}, {"onset", "offset"}, {"start", "stop"}}) {
    const auto kinds = row_columns({"a", end, start});
    BOOST_TEST((kinds[2] == kStart && kinds[1] == kEnd), start);
  }
  BOOST_TEST((row_columns({"t0", "t1", "t2"})[0] == kValue));
}

BOOST_AUTO_TEST_CASE(names_as_programs_write_them) {
  for (const char* name : {"videoId", "video_id", "Video ID", "video.id", "VIDEOID", "Video (id)"}) {
    BOOST_TEST(parse_named_table({"t", std::string("a,") + name + "\n1,2\n"}).find({"x", "video-id"}) == 1, name);
    BOOST_TEST(is_one_of({"video-id"}, name), name);
  }
  BOOST_TEST(parse_named_table({"t", "videoId,video_id\n1,2\n"}).find({"video-id"}) == 1);
  BOOST_TEST(parse_named_table({"t", "videos,video-i\n1,2\n"}).find({"video-id"}) == -1);
  BOOST_TEST(parse_named_table({"t", "-,a\n1,2\n"}).find({"--"}) == -1);
}

BOOST_AUTO_TEST_CASE(row_names_of_r) {
  const std::vector<float> wanted = {0.5f, 0.25f, 1.5f, -2};
  for (const char* text :
       {"\"a\" \"b\"\n\"1\" 0.5 0.25\n\"2\" 1.5 -2\n", "a,b\n1,0.5,0.25\n2,1.5,-2\n", "a b\nx 0.5 0.25\ny 1.5 -2\n"})
    BOOST_TEST((numbers(text) == wanted), text);
  BOOST_TEST((numbers("\"a\"\n\"1\" 0.5\n\"2\" 0.25\n") == std::vector<float>{0.5f, 0.25f}));
  BOOST_TEST(
      says(fault([] { numbers("a,b\n3,0.5,0.25\n7,1,2\n"); }), "n:1: the rows have 3 columns, the first line 2"));
  for (const char* text :
       {"\"video\" \"a\"\n\"1\" \"v\" 5\n\"2\" \"w\" 6\n", "\"video\",\"a\"\n\"1\",\"v\",5\n\"2\",\"w\",6\n"}) {
    const auto table = parse_named_table({"t", text});
    BOOST_TEST((table.header == std::vector<std::string>{"", "video", "a"}), text);
    BOOST_TEST(table.field(table.rows[1], 1) == "w");
  }
  BOOST_TEST(says(fault([] {
                    const auto table = parse_named_table({"t", "video,a\n1,2,3\n2,3,4\n"});
                    table.check_width(table.rows[0]);
                  }),
                  "R's write.table"));
}

BOOST_AUTO_TEST_CASE(commas_of_columns_and_of_decimals) {
  BOOST_TEST(says(fault([] { numbers("1,5\n2,5\n"); }), "n:1: '1,5' may be two columns or one with a decimal comma"));
  BOOST_TEST((numbers("1,5\n2,5\n", {0, '.', 0}) == std::vector<float>{1, 5, 2, 5}));
  BOOST_TEST((numbers("1,5\n2,5\n", {0, ',', 0}) == std::vector<float>{1.5f, 2.5f}));
  BOOST_TEST((numbers("sep=,\n1,5\n2,5\n") == std::vector<float>{1, 5, 2, 5}));
  BOOST_TEST((numbers("a,b\n1,5\n2,5\n") == std::vector<float>{1, 5, 2, 5}));
  BOOST_TEST((numbers("\"1,5\",\"2,5\"\n", {0, ',', 0}) == std::vector<float>{1.5f, 2.5f}));
  BOOST_TEST((rows_of("v1;10,5\nv2;3,5\n") == Lines{{"v1", "10,5"}, {"v2", "3,5"}}));
}

BOOST_AUTO_TEST_CASE(named_tables) {
  const auto header = [](const std::string& text) { return parse_named_table({"t", text}).header; };
  BOOST_TEST((header("a,b,\n1,2,\n3,4,\n") == std::vector<std::string>{"a", "b"}));
  BOOST_TEST((header("a,b,\n1,2,x\n") == std::vector<std::string>{"a", "b", ""}));
  NamedTable table = parse_named_table({"t", "Start (s), b\n1,2,\n,\n3,4\n"});
  BOOST_TEST(table.rows.size() == 2u);
  BOOST_TEST(table.rows[1].line == 4u);
  BOOST_TEST(table.find({"start_(s)"}) == 0);
  table = parse_named_table({"t", "a,x,A\n1,2,3\n"});
  BOOST_TEST(table.find({"A"}) == 2);
  BOOST_TEST(fault([] { parse_named_table({"t", "\na,a\n1,2\n"}).find({"a"}); }) == "t:2: two columns are called 'a'");
  BOOST_TEST(says(fault([] {
                    const auto one = parse_named_table({"t", "a,b\n1,2,3\n"});
                    one.check_width(one.rows[0]);
                  }),
                  "3 fields, but the header has 2 (a comma"));
}

BOOST_AUTO_TEST_CASE(class_lists) {
  for (const char* text : {"Run\nJump\n",
                           "0 Run\n1 Jump\n",
                           "1 Jump\n0 Run\n",
                           "0,Run\n1,Jump\n",
                           "0;Run\r\n1;Jump\r\n",
                           "0\tRun\r1\tJump\r",
                           "Run,0\nJump,1\n",
                           "id,name\n0,Run\n1,Jump\n",
                           "name,id\nRun,0\nJump,1\n",
                           ",name\n0,Run\n1,Jump\n",
                           "\xef\xbb\xbf[\"Run\",\"Jump\"]",
                           "{\"0\":\"Run\",\"1\":\"Jump\"}",
                           "{\"Run\":0,\"Jump\":1}",
                           "{\"Run\":\"0\",\"Jump\":\"1\"}",
                           "[{\"id\":0,\"name\":\"Run\"},{\"name\":\"Jump\",\"id\":1,\"more\":[]}]",
                           "action\nRun\nJump\n",
                           "0: Run\n1: Jump\n",
                           "0.0,Run\n1.0,Jump\n",
                           "sep=;\nid;name\n0;Run\n1;Jump\n",
                           "\"Run\"\n\"Jump\"\n",
                           "0. Run\n1. Jump\n",
                           "0:Run\n1:Jump\n",
                           "id,key,instances,category\n0,Run,\"['a']\",x\n1,Jump,\"[]\",y\n",
                           "label,count\nRun,0\nJump,1\n",
                           "names:\n- Run\n- 'Jump'\n",
                           "- Run\r\n- Jump\r\n",
                           "---\n# of the data\nnames:\n  0: Run\n  1: \"Jump\"\n",
                           "[{\"name\":\"Run\"},{\"name\":\"Jump\"}]",
                           "[{\"id\":\"1\",\"name\":\"Jump\"},{\"id\":\"0\",\"name\":\"Run\"}]",
                           "{\"info\":{},\"categories\":[{\"id\":0,\"name\":\"Run\"},{\"id\":1,\"name\":\"Jump\"}]}",
                           "{\"names\":{\"0\":\"Run\",\"1\":\"Jump\"},\"nc\":2}"})
    BOOST_TEST((classes(text) == kRunJump), text);
  BOOST_TEST(classes("3-point shot\n2-point shot\n").at(0) == "3-point shot");
  BOOST_TEST(classes("\"100 m\"\n\"200 m\"\n").at(1) == "200 m");
  BOOST_TEST(classes("name,id\nRun,120\nJump,85\n").at(85) == "Jump");
  BOOST_TEST(classes("\"1,5 m jump\"\nRun\n").at(0) == "1,5 m jump");
  BOOST_TEST(classes("7 BaseballPitch\n9 Basketball Dunk\n").at(9) == "Basketball Dunk");
  BOOST_TEST(classes("7 jump\n9 run\n").at(7) == "jump");
  std::map<std::string, std::int64_t> codes;
  BOOST_TEST(parse_classes({"c", "c010 Hold a book\nc002 Read\n"}, {}, &codes).at(2) == "Read");
  BOOST_TEST(codes.at("c010") == 10);
  BOOST_TEST(parse_classes({"c", "id,name\nb,Run\na,Jump\n"}, {}, &codes).at(1) == "Jump");
  BOOST_TEST((codes.size() == 2 && codes.at("b") == 0));
  BOOST_TEST(parse_classes({"c", "Run\n"}, {}, &codes).size() == 1);
  BOOST_TEST(codes.empty());
  BOOST_TEST(classes("1 man walking\n0 no action\n").at(1) == "man walking");
}

BOOST_AUTO_TEST_CASE(class_lists_that_are_refused) {
  BOOST_TEST(says(class_fault("100 m sprint\n200 m sprint\n"), "c:1: '100 m sprint': is the number the class's"));
  BOOST_TEST(says(class_fault("c0 Hold a book\nc1 Read a book\n"), "c:1: 'c0 Hold a book': the lines count"));
  BOOST_TEST(says(class_fault("Run 0\nJump 1\n"), "the lines count"));
  BOOST_TEST(says(class_fault("7 a\nb\n"), "c:2: 'b': some lines are 'number name'"));
  BOOST_TEST(says(class_fault("Run\nJump, high\n"), "c:2: 'Jump, high': a separator"));
  BOOST_TEST(says(class_fault("Jump, high\nRun\n"), "c:2: this line has 1 columns"));
  BOOST_TEST(says(class_fault("0,1\n1,2\n"), "which"));
  BOOST_TEST(says(class_fault("a,b\nc,d\n"), "no column holds the numbers"));
  BOOST_TEST(says(class_fault("id,x,y\n0,a,b\n1,c,d\n"), "which column holds the classes' names"));
  BOOST_TEST(says(class_fault("1 a\n1 b\n"), "c:2: class 1 stands here twice"));
  BOOST_TEST(says(class_fault("0,a\n1,a\n"), "c:2: the class name 'a' stands here twice"));
  BOOST_TEST(says(class_fault("{\"0\":1,\"1\":2}"), "both sides are numbers"));
  BOOST_TEST(says(class_fault("{\"a\":\"b\"}"), "must map numbers to names"));
  BOOST_TEST(says(class_fault("{\"a\":[\"a\"]}"), "'a' must be a name or a number"));
  BOOST_TEST(says(class_fault("[1,2]"), "[0]: must be a list of names"));
  BOOST_TEST(says(class_fault("[\"a\",1]"), "[1]: some members"));
  BOOST_TEST(says(class_fault("{\"a\":1,\n\"categories\":[{\"id\":0,\"name\":\"a\"},{\"id\":1}]}"),
                  "c:2: categories[1]: each class must have a text \"name\""));
  BOOST_TEST(says(class_fault("[{\"id\":0,\"name\":\"a\"},{\"name\":\"b\"}]"), "[1]: no whole number \"id\""));
  BOOST_TEST(says(class_fault("[{\"id\":0.5,\"name\":\"a\"}]"), "[0]: 'id' must be a whole number"));
  BOOST_TEST(says(class_fault("{\"classes\":[],\"names\":[]}"), "two members may hold the classes"));
  for (const char* text :
       {"name,instances\nRun,120\nJump,85\n", "Run,120\nJump,85\n", "name,n,split\nRun,5,a\nJump,9,b\n"})
    BOOST_TEST(says(class_fault(text), "c:1: column 2 does not count the classes"), text);
  BOOST_TEST(says(class_fault("{\"Run\":120,\"Jump\":85}"), "do not count the classes"));
  BOOST_TEST(says(class_fault("100 m\n200 m\n400 m\n"), "c:2: '200 m': is the number the class's, or a part"));
  for (const char* text : {"0-Run\n1-Jump\n", "001.Run\n002.Jump\n", "1_Run\n0_Jump\n"})
    BOOST_TEST(says(class_fault(text), "the lines count"), text);
  for (const char* text : {"- Run\nJump\n", "names:\n- Run\n0: Jump\n", "nc: 2\nnames:\n- Run\n",
                           "names: [Run, Jump]\n", "- name: Run\n- name: Jump\n"})
    BOOST_TEST(says(class_fault(text), "of YAML one list is read"), text);
  BOOST_TEST(says(class_fault("[\"a\",{\"id\":1,\"name\":\"b\"}]"), "some members"));
  BOOST_TEST(says(class_fault("[\"a\",\"a\"]"), "twice"));
  BOOST_TEST(says(class_fault("{\"a\":0,\"a\":1}"), "'a' stands twice"));
  for (const char* text : {"", "\n \n", "[]", "{}", "\xef\xbb\xbf"}) BOOST_TEST(says(class_fault(text), "empty"), text);
}

BOOST_AUTO_TEST_CASE(lists_of_videos) {
  const auto names = [](const std::string& text) {
    std::vector<std::string> out;
    for (const auto& video : parse_video_list({"l", text})) out.push_back(video.name);
    return out;
  };
  const std::vector<std::string> wanted = {"v1", "my video 2"};
  for (const char* text :
       {"v1\nmy video 2\n", "\xef\xbb\xbfv1\r\nmy video 2", "v1\rmy video 2\r", "# which\n\n v1 \nmy video 2\n",
        "video\nv1\nmy video 2\n", "id,video,n\n1,v1,5\n2,my video 2,6\n", "video;subset\nv1;a\nmy video 2;b\n",
        "[\"v1\",\"my video 2\"]", "\"v1\"\n\"my video 2\"\n"})
    BOOST_TEST(names(text) == wanted, text);
  BOOST_TEST(names("a,b\nc\n") == (std::vector<std::string>{"a,b", "c"}));
  BOOST_TEST(names("\"#1\"\n") == std::vector<std::string>{"#1"});
  BOOST_TEST(names("").empty());
  BOOST_TEST(says(fault([&] { names("v1,1\nv2,2\n"); }), "l:1: one video a line was expected"));
  BOOST_TEST(says(fault([&] { names("{\"v1\":1}"); }), "must be a list of names"));
  BOOST_TEST(says(fault([&] { names("[\"v1\",1]"); }), "must be a list of names"));
}

BOOST_AUTO_TEST_CASE(ids_of_files) {
  for (const char* path : {"v_1", "v_1.mp4", "v_1.MP4", "v_1.m4v", "v_1.WMV", "v_1.mpg", "v_1.TS", "a/b/v_1.mov",
                           "C:\\clips\\v_1.mkv", "D:v\\v_1", "/data/v_1.Mp4", "..\\v_1.avi"})
    BOOST_TEST(video_id(path) == "v_1", path);
  BOOST_TEST(video_id("v_1.5fps") == "v_1.5fps");
  BOOST_TEST(video_id("my video.mp4") == "my video");
  BOOST_TEST(video_id("/a/song.WAV") == "song");
  for (const std::string ending : {".360", ".insv", ".LRV", ".dav", ".m2t", ".m1v", ".mod", ".tod", ".ogm", ".wtv",
                                   ".ivf", ".apng", ".amv", ".obu", ".caf", ".au", ".w64", ".ac3", ".dvr-ms"})
    BOOST_TEST(video_id("clip" + ending) == "clip", ending);
  BOOST_TEST(is_sound("song.flac"));
  BOOST_TEST(!is_sound("film.mp4"));
  BOOST_TEST(video_id(".mp4") == ".mp4");
}

BOOST_AUTO_TEST_SUITE_END()
