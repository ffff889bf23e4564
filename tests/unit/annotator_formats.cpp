// Files of annotation tools on small texts worked out by hand: what readers make of them, and that writers give it
// back.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <memory>

#include "../support.h"
#include "libtal/formats/formats.h"

namespace {

using namespace tal;

struct Result {
  std::vector<Record> records;
  std::vector<std::string> errors, notes;
};

Reader reader_of(const std::string& format) {
  const auto& formats = import_formats();
  return std::find_if(formats.begin(), formats.end(), [&](const auto& f) { return f.name == format; })->reader;
}

Result read(const std::string& format, const std::string& name, const std::string& text,
            const ImportOptions& options = {}, bool go_on = false) {
  Result result;
  const ImportSink sink{[&](Record& record) {
                          Record again;  // what a pipe carries is the text
                          again.parse(record.str());
                          result.records.push_back(std::move(again));
                        },
                        [&](const Error& error, std::string_view) {
                          if (!go_on) throw error;
                          result.errors.push_back(error.what());
                        },
                        [&](const std::string& note) { result.notes.push_back(note); }};
  reader_of(format)({{name, text}}, options, sink);
  return result;
}

std::string fault(const std::string& format, const std::string& name, const std::string& text,
                  const ImportOptions& options = {}) {
  try {
    read(format, name, text, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// The annotations of the only record, as JSON.
std::string annotations(const Result& result) {
  BOOST_REQUIRE_EQUAL(result.records.size(), 1u);
  return std::string(result.records[0].raw("annotations").value_or("none"));
}

std::string write(const std::string& format, const std::vector<Record>& records, const ExportOptions& options = {}) {
  const auto& formats = export_formats();
  const auto found = std::find_if(formats.begin(), formats.end(), [&](const auto& f) { return f.name == format; });
  const auto writer = found->make(options);
  std::string out;
  for (const auto& record : records) writer->add(record, out);
  writer->end(out);
  return out;
}

// Out and in again: the same annotations.
void check_return(const std::string& format, const Result& result, const std::string& name,
                  const ImportOptions& options = {}) {
  const auto again = read(format, name, write(format, result.records), options);
  BOOST_TEST(annotations(again) == annotations(result));
}

ImportOptions at_rate(double fps) {
  ImportOptions options;
  options.fps = fps;
  return options;
}

std::string eaf(const std::string& slots, const std::string& tiers, const std::string& header = "") {
  return "<?xml version=\"1.0\"?>\n<ANNOTATION_DOCUMENT><HEADER TIME_UNITS=\"milliseconds\">" + header +
         "</HEADER>\n<TIME_ORDER>" + slots + "</TIME_ORDER>\n" + tiers + "</ANNOTATION_DOCUMENT>";
}
std::string slot(const std::string& id, const std::string& time = "") {
  return "<TIME_SLOT TIME_SLOT_ID=\"" + id + "\"" + (time.empty() ? "" : " TIME_VALUE=\"" + time + "\"") + "/>";
}
std::string aligned(const std::string& id, const std::string& from, const std::string& to, const std::string& value) {
  return "<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID=\"" + id + "\" TIME_SLOT_REF1=\"" + from +
         "\" TIME_SLOT_REF2=\"" + to + "\"><ANNOTATION_VALUE>" + value +
         "</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>";
}
std::string referring(const std::string& id, const std::string& to, const std::string& previous,
                      const std::string& value) {
  return "<ANNOTATION><REF_ANNOTATION ANNOTATION_ID=\"" + id + "\" ANNOTATION_REF=\"" + to + "\"" +
         (previous.empty() ? "" : " PREVIOUS_ANNOTATION=\"" + previous + "\"") + "><ANNOTATION_VALUE>" + value +
         "</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>";
}
std::string tier(const std::string& id, const std::string& annotations) {
  return "<TIER TIER_ID=\"" + id + "\">" + annotations + "</TIER>\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(annotator_formats)

BOOST_AUTO_TEST_CASE(elan_slots_without_time_lie_in_their_chain) {
  // t2 and t3 are a third and two thirds of the way from 1 s to 4 s; t9 has no neighbours, only its place in the order.
  const auto got =
      read("elan", "s.eaf",
           eaf(slot("t1", "1000") + slot("t2") + slot("t3") + slot("t4", "4000") + slot("t9") + slot("t5", "6000"),
               tier("a", aligned("a1", "t1", "t2", "x") + aligned("a2", "t2", "t3", "y &lt; \"z\"") +
                             aligned("a3", "t3", "t4", "")) +
                   tier("b", aligned("b1", "t4", "t9", "w"))));
  BOOST_TEST(annotations(got) ==
             R"([{"segment":[1,2],"label":"x","tier":"a"},{"segment":[2,3],"label":"y < \"z\"","tier":"a"},)"
             R"({"segment":[3,4],"tier":"a"},{"segment":[4,5],"label":"w","tier":"b"}])");
  BOOST_TEST(got.records[0].video() == "s");
  check_return("elan", got, "s.eaf");
}

BOOST_AUTO_TEST_CASE(elan_parts_share_the_interval_by_their_chain) {
  // Three parts of a1 in the order p1, p2, p3, though the file has p3 before p2; q1 takes the interval of p2.
  const auto got = read(
      "elan", "s.eaf",
      eaf(slot("t1", "0") + slot("t2", "3000"),
          tier("a", aligned("a1", "t1", "t2", "whole")) +
              tier("parts", referring("p1", "a1", "", "1") + referring("p3", "a1", "p2", "3") +
                                referring("p2", "a1", "p1", "2")) +
              tier("below", referring("q1", "p2", "", "q")),
          "<MEDIA_DESCRIPTOR MEDIA_URL=\"file:///x/a%20b.wav\" MIME_TYPE=\"audio/x-wav\"/>"
          "<MEDIA_DESCRIPTOR MEDIA_URL=\"file:///D:/x/My%20film.mp4\" MIME_TYPE=\"video/mp4\" TIME_ORIGIN=\"1500\"/>"));
  BOOST_TEST(annotations(got) ==
             R"([{"segment":[0,3],"label":"whole","tier":"a"},{"segment":[0,1],"label":"1","tier":"parts"},)"
             R"({"segment":[2,3],"label":"3","tier":"parts"},{"segment":[1,2],"label":"2","tier":"parts"},)"
             R"({"segment":[1,2],"label":"q","tier":"below"}])");
  BOOST_TEST(got.records[0].video() == "My film");
  BOOST_TEST(got.records[0].text("media").value() == "file:///D:/x/My%20film.mp4");
  BOOST_TEST(got.records[0].number("time_origin").value() == 1.5);
  ImportOptions one;
  one.tiers = {"below"};
  const std::string text = write("elan", got.records);
  BOOST_TEST(annotations(read("elan", "s.eaf", text, one)) == R"([{"segment":[1,2],"label":"q","tier":"below"}])");
  one.tiers = {"nobody"};
  BOOST_TEST(fault("elan", "s.eaf", text, one) == "--tier: there is no 'nobody', but 'a', 'parts', 'below'");
}

// Of several documents of one video each annotation says which it was in, and does when they come back from one.
BOOST_AUTO_TEST_CASE(elan_documents_of_several_coders) {
  const std::string medium = "<MEDIA_DESCRIPTOR MEDIA_URL=\"file:///v.mp4\" MIME_TYPE=\"video/mp4\"/>";
  const auto document = [&](const char* end) {
    return eaf(slot("t1", "1000") + slot("t2", end), tier("a", aligned("a1", "t1", "t2", "x")) + tier("none", ""),
               medium);
  };
  const auto read_all = [](const std::vector<SourceText>& sources) {
    Result result;
    const ImportSink sink{[&](Record& record) { result.records.emplace_back().parse(record.str()); },
                          [](const Error& error, std::string_view) { throw error; },
                          [&](const std::string& note) { result.notes.push_back(note); }};
    reader_of("elan")(sources, {}, sink);
    return result;
  };
  const auto got = read_all({{"x/anna.eaf", document("2000")}, {"x/ben.eaf", document("3000")}});
  BOOST_TEST(annotations(got) == R"([{"segment":[1,2],"label":"x","tier":"a","document":"anna"},)"
                                 R"({"segment":[1,3],"label":"x","tier":"a","document":"ben"}])");
  for (const char* said :
       {"1 video has several documents", "2 tiers without annotations left out: the first is 'none'"})
    BOOST_TEST(
        std::any_of(got.notes.begin(), got.notes.end(), [&](const std::string& note) { return note.find(said) == 0u; }),
        said);
  check_return("elan", got, "v.eaf");
  BOOST_TEST(annotations(read_all({{"1/v.eaf", document("2000")}, {"2/v.eaf", document("3000")}}))
                 .find(R"("document":"2/v.eaf")") != std::string::npos);
  BOOST_TEST(annotations(read_all({{"v.eaf", document("2000")}})) == R"([{"segment":[1,2],"label":"x","tier":"a"}])");
}

BOOST_AUTO_TEST_CASE(elan_faults_name_their_line) {
  BOOST_TEST(fault("elan", "s.eaf", "<ANNOTATION_DOCUMENT>\n<TIER").find("s.eaf:") == 0u);
  BOOST_TEST(fault("elan", "s.eaf", "<TEI/>").find("<TEI>, not of <ANNOTATION_DOCUMENT>") != std::string::npos);
  BOOST_TEST(fault("elan", "s.eaf", eaf(slot("t1", "1"), tier("a", aligned("a1", "t1", "t7", "")))) ==
             "s.eaf:4: ALIGNABLE_ANNOTATION.TIME_SLOT_REF2: there is no time slot 't7'");
  BOOST_TEST(
      fault("elan", "s.eaf", eaf(slot("t1", "2000") + slot("t2", "1000"), tier("a", aligned("a1", "t1", "t2", "")))) ==
      "s.eaf:4: video 's': a1: end 1 is before start 2");
  BOOST_TEST(fault("elan", "s.eaf", eaf("", tier("a", referring("r1", "r2", "", "") + referring("r2", "r1", "", ""))))
                 .find("refers to itself") != std::string::npos);
  BOOST_TEST(fault("elan", "s.eaf", eaf(slot("t1") + slot("t2"), tier("a", aligned("a1", "t1", "t2", ""))))
                 .find("no time is known") != std::string::npos);
  BOOST_TEST(fault("elan", "s.eaf", eaf(slot("t1", "x"), "")).find("s.eaf:3: TIME_SLOT.TIME_VALUE") == 0u);
}

BOOST_AUTO_TEST_CASE(boris_projects_pair_their_states) {
  const std::string text =
      R"({"behaviors_conf":{"0":{"code":"s","type":"State event","category":"c"},"1":{"code":"p","type":"Point event"}},
"observations":{"o":{"file":{"1":["/x/v.mp4"],"2":[]},"time offset":10.0,"events":[
[15,"","s","m",""],[11,"","s"," m",""],[13,"","s"," m","end"],[12,"A","p","",""],[17,"A","s","m","alone"],[16,"","s","m",""]],
"media_info":{"length":{"/x/v.mp4":90.5},"fps":{"/x/v.mp4":25.0}}},
"queue":{"file":{"1":["a.mp4","b.mp4"]},"events":[],"time offset":0},
"live":{"file":[],"events":[[1.5,"","p","",""]]}}})";
  const auto got = read("boris", "x.boris", text);
  BOOST_REQUIRE_EQUAL(got.records.size(), 3u);
  BOOST_TEST(got.records[0].str() ==
             R"({"video":"v","duration":90.5,"fps":25,"media":"/x/v.mp4","annotations":[)"
             R"({"at":2,"label":"p","tier":"o","subject":"A"},)"
             R"({"segment":[1,3],"label":"s","tier":"o","modifiers":" m","category":"c","comment_stop":"end"},)"
             R"({"segment":[5,6],"label":"s","tier":"o","modifiers":"m","category":"c"}]})");
  BOOST_TEST(got.records[1].str() == R"({"video":"queue","annotations":[]})");
  BOOST_TEST(got.records[2].str() == R"({"video":"live","annotations":[{"at":1.5,"label":"p","tier":"live"}]})");
  BOOST_TEST(std::any_of(got.notes.begin(), got.notes.end(), [](const std::string& note) {
    return note.find("1 start or stop without its partner left out: 's' of observation 'o', subject 'A', at 7 s") == 0u;
  }));
  BOOST_TEST(fault("boris", "x.boris", R"({"behaviors_conf":{},
"observations":{"o":{"file":[],"events":[[1,"","s","",""]]}}})")
                 .find("x.boris:2: observations.o.events[0][2]: 's' is no behaviour") == 0u);
  BOOST_TEST(
      fault("boris", "x.boris", "{\"behaviors_conf\":{},\n\"observations\":{\"o\":{\"events\":[[\"x\",\"\",\"s\"]]}}}")
          .find("x.boris:2: observations.o.events[0][0]: ") == 0u);
}

BOOST_AUTO_TEST_CASE(boris_tables) {
  const std::string tabular =
      "Observation id\to 1\t\t\t\n\t\t\t\t\nPlayer #1\tv.mp4\t\t\t\n\t\t\t\t\n"
      "Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tModifiers\tComment\tStatus\n"
      "1.5\tv.mp4\t60.0\t25.0\tA\ts\t m\t\tSTART\n2.5\tv.mp4\t60.0\t25.0\tA\ts\t m\t\tSTOP\n"
      "3\tv.mp4\t60.0\t25.0\tNo focal subject\tp\t\tc\tPOINT\n4\tv.mp4\t60.0\t25.0\tA\ts\tm\t\tSTOP\n";
  const auto got = read("boris", "t.tsv", tabular);
  BOOST_TEST(got.records.at(0).str() ==
             R"({"video":"v","duration":60,"fps":25,"media":"v.mp4","annotations":[)"
             R"({"segment":[1.5,2.5],"label":"s","tier":"A","subject":"A","modifiers":" m","observation":"o 1"},)"
             R"({"at":3,"label":"p","tier":"","comment":"c","observation":"o 1"}]})");
  // Aggregated without a header, by the column that says STATE or POINT; of two files, so of the observation.
  const std::string bare =
      "o,2020-01-01,a.mp4,60.0,25.0,A,s,,m,STATE,1,2.5,1.5,,\no,2020-01-01,b.mp4,60.0,25.0,A,p,,,POINT,70,70,NA,,\n";
  BOOST_TEST(read("boris", "t.csv", bare).records.at(0).str() ==
             R"({"video":"o","annotations":[)"
             R"({"segment":[1,2.5],"label":"s","tier":"o","subject":"A","modifiers":"m"},)"
             R"({"at":70,"label":"p","tier":"o","subject":"A"}]})");
  // As version 8 writes it.
  const std::string newer =
      "Observation id,Source,Media duration (s),FPS,Subject,Behavior,Behavioral category,Modifier #1,Behavior "
      "type,Time,Comment\n"
      "o,player #1:/x/v.mp4|player #2:/x/w.mp4,60|61,25|25,,s,,None,START,1,\no,player #1:/x/v.mp4|player "
      "#2:/x/w.mp4,60|61,25|25,,s,,None,STOP,2,\n";
  BOOST_TEST(read("boris", "t.csv", newer).records.at(0).str() ==
             R"({"video":"v","duration":60,"fps":25,"media":"/x/v.mp4","annotations":[)"
             R"({"segment":[1,2],"label":"s","tier":"o","modifiers":"None"}]})");
  // A queue of files lasts as long as they together; the files of a further player are left out.
  const std::string queue =
      "Observation id;Source;Media duration (s);FPS;Subject;Behavior;Behavior type;Time\n"
      "o;\"player #1:/x/v.mp4;/x/w.mp4|player #2:/x/z.mp4\";\"60,5;61|9\";\"25;25|50\";;p;POINT;100,5\n";
  const auto queued = read("boris", "t.csv", queue);
  BOOST_TEST(queued.records.at(0).str() ==
             R"({"video":"o","duration":121.5,"fps":25,"annotations":[{"at":100.5,"label":"p","tier":"o"}]})");
  for (const char* said : {"1 file follows another in its player", "1 file of a further player left out: '/x/z.mp4'"})
    BOOST_TEST(std::any_of(queued.notes.begin(), queued.notes.end(),
                           [&](const std::string& note) { return note.find(said) == 0u; }),
               said);
  const std::string project =
      R"({"behaviors_conf":{},"observations":{"q":{"file":{"1":["a.mp4","b.mp4"],"2":["c.mp4"]},"events":[],)"
      R"("media_info":{"length":{"a.mp4":10,"b.mp4":20.5,"c.mp4":5},"fps":{"a.mp4":25,"b.mp4":30}}}}})";
  BOOST_TEST(read("boris", "x.boris", project).records.at(0).str() ==
             R"({"video":"q","duration":30.5,"annotations":[]})");
  BOOST_TEST(fault("boris", "t.csv", "a,b,c\n1,2,3\n").find("t.csv:1: no table of BORIS") == 0u);
  BOOST_TEST(fault("boris", "t.tsv", tabular + "x\tv.mp4\t60.0\t25.0\tA\ts\t\t\tSTART\n").find("t.tsv:10: Time: ") ==
             0u);
}

BOOST_AUTO_TEST_CASE(label_studio_timelines_count_frames_from_one) {
  const std::string text = R"([{"id":7,"data":{"video":"/data/upload/1/0a1b2c3d-v%201.mp4"},"annotations":[
{"id":1,"completed_by":3,"result":[{"id":"r","type":"timelinelabels","from_name":"t","value":{"ranges":[{"start":1,"end":50},{"start":51,"end":51}],"timelinelabels":["A","B"]}},
{"type":"choices","from_name":"c","value":{"choices":["Lo-Fi"]}}]},
{"id":2,"was_cancelled":true,"result":[{"type":"timelinelabels","value":{"ranges":[{"start":1,"end":2}],"timelinelabels":["no"]}}]}],
"predictions":[{"model_version":"m","score":0.5,"result":[{"type":"timelinelabels","from_name":"t","value":{"ranges":[{"start":26,"end":50}],"timelinelabels":["A"]}}]}]}])";
  const auto got = read("label-studio", "e.json", text, at_rate(25));
  BOOST_REQUIRE_EQUAL(got.records.size(), 1u);
  const std::string more = R"("annotation":"1","annotator":"3","id":"r","type":"timelinelabels"})";
  BOOST_TEST(annotations(got) == R"([{"segment":[0,2],"label":"A","tier":"t",)" + more +
                                     R"(,{"segment":[0,2],"label":"B","tier":"t",)" + more +
                                     R"(,{"segment":[2,2.04],"label":"A","tier":"t",)" + more +
                                     R"(,{"segment":[2,2.04],"label":"B","tier":"t",)" + more + "]");
  BOOST_TEST(got.records[0].video() == "v 1");
  BOOST_TEST(*got.records[0].raw("classification") == R"([{"label":"Lo-Fi","score":1}])");
  BOOST_TEST(*got.records[0].raw("proposals") ==
             R"([{"segment":[1,2],"score":0.5,"label":"A","tier":"t","model_version":"m","type":"timelinelabels"}])");
  BOOST_TEST(fault("label-studio", "e.json", text)
                 .find("e.json:2: video 'v 1': [0].annotations[0].result[0].value.ranges: frames need") == 0u);
  // Back: the same frames, labels and scores.
  Record record = Record::make("v 1");
  record.set_number("fps", 25);
  record.set_raw("annotations", R"([{"segment":[0,2],"label":"A","tier":"t"},{"at":2,"label":"B"}])");
  record.set_raw("proposals", R"([{"segment":[1,2],"score":0.5,"label":"A"}])");
  std::vector<Record> records;
  records.push_back(std::move(record));
  const auto again = read("label-studio", "e.json", write("label-studio", records), at_rate(25));
  BOOST_TEST(annotations(again) ==
             R"([{"segment":[0,2],"label":"A","tier":"t","id":"a1","type":"timelinelabels"},)"
             R"({"segment":[2,2.04],"label":"B","tier":"videoLabels","id":"a2","type":"timelinelabels"}])");
  BOOST_TEST(again.records[0].proposals().at(0).score == 0.5);
}

// A configuration may take the rate from a member of each task's data; Label Studio's own examples call it framerate.
BOOST_AUTO_TEST_CASE(label_studio_tasks_state_their_rate) {
  const auto task = [](const std::string& data, const std::string& more) {
    return R"({"data":{"video":"v.mp4",)" + data +
           R"(},"annotations":[{"result":[{"type":"timelinelabels","value":{"ranges":[{"start":26,"end":50}],)"
           R"("timelinelabels":["Run"]}}]}])" +
           more + "}";
  };
  const auto start = [&](const std::string& text, const ImportOptions& options = {}) {
    return read("label-studio", "e.json", text, options).records.at(0).annotations().at(0).segment.start;
  };
  BOOST_TEST(start(task(R"("framerate":25)", "")) == 1);
  BOOST_TEST(start(task(R"("framerate":25)", ""), at_rate(50)) == 0.5);
  // The timeline counts at the task's rate, whatever the video's is; of one that only lacks digits, all digits count.
  BOOST_TEST(start(task(R"("framerate":25)", R"(,"meta":{"tal_fps":"5"})")) == 1);
  BOOST_TEST(start(task(R"("framerate":29.97)", R"(,"meta":{"tal_fps":"29.97002997"})")) == 25 / 29.97002997);
  const std::string config =
      R"(,"project":{"label_config":"<View><Video name='v' value='$video' frameRate='$speed'/></View>"})";
  BOOST_TEST(start(task(R"("framerate":25,"speed":10)", config)) == 2.5);
  const std::string fixed =
      R"(,"project":{"label_config":"<View><Video name='v' value='$video' frameRate='50'/></View>"})";
  BOOST_TEST(start(task(R"("framerate":25)", fixed)) == 0.5);
  BOOST_TEST(fault("label-studio", "e.json", task(R"("framerate":"soon")", "")).find("--fps") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(label_studio_layouts) {
  const auto sent = read(
      "label-studio", "e.json",
      R"({"annotation":{"result":[{"type":"timelinelabels","value":{"ranges":[{"start":3,"end":4}],"timelinelabels":["A"]}}]},
"project":{"label_config":"<View><TimelineLabels name='t' toName='v'/><Video name='v' value='$clip' framerate='2'/></View>"},"task":{"data":{"note":"x.txt","clip":"c.mp4"}}})");
  BOOST_TEST(
      sent.records.at(0).str() ==
      R"({"video":"c","fps":2,"media":"c.mp4","annotations":[{"segment":[1,2],"label":"A","type":"timelinelabels"}]})");
  const auto sound = read(
      "label-studio", "e.json",
      R"({"data":{"u":"https://h/s.mp3?x=1"},"annotations":[{"result":[{"id":"1","type":"labels","from_name":"l","value":{"start":"1.5","end":2,"labels":["B"]}},
{"id":"1","type":"audio","value":{"start":1.5,"end":2}}]}]})");
  BOOST_TEST(annotations(sound) == R"([{"segment":[1.5,2],"label":"B","tier":"l","id":"1","type":"labels"}])");
  BOOST_TEST(sound.records[0].video() == "s");
  check_return("label-studio", sound, "e.json");
  const auto min = read("label-studio", "e.json",
                        R"([{"csv":"s.csv","id":1,"l":[{"start":4,"end":23,"instant":false,"timeserieslabels":["Run"]},
{"start":30,"end":30,"instant":true,"timeserieslabels":["Hit"]}],"annotation_id":9}])");
  BOOST_TEST(annotations(min) ==
             R"([{"segment":[4,23],"label":"Run","tier":"l","annotation":"9","type":"timeserieslabels"},)"
             R"({"at":30,"label":"Hit","tier":"l","annotation":"9","type":"timeserieslabels"}])");
  ImportOptions samples = at_rate(2);
  samples.time = "frames";
  BOOST_TEST(read("label-studio", "e.json", R"([{"l":[{"start":4,"end":8,"timeserieslabels":["Run"]}]}])", samples)
                 .records.at(0)
                 .annotations()
                 .at(0)
                 .segment.end == 4);
  const std::string dates =
      R"({"annotations":[{"result":[{"type":"timeserieslabels","value":{"start":"1970-01-02 00:00:01.5","end":"1970-01-02 00:01:00","timeserieslabels":["A"]}}]}]})";
  BOOST_TEST(read("label-studio", "e.json", dates).records.at(0).annotations().at(0).segment.start == 86401.5);
  const std::string epoch =
      R"({"annotations":[{"result":[{"type":"timeserieslabels","value":{"start":1602708145233,"end":1602708375312,"timeserieslabels":["A"]}}]}]})";
  BOOST_TEST(read("label-studio", "e.json", epoch).records.at(0).annotations().at(0).segment.start == 1602708145.233);
  const std::string alone =
      R"({"annotations":{"result":{"type":"labels","value":{"start":"1","end":"2","labels":"A"}}}})";
  BOOST_TEST(read("label-studio", "e.json", alone).records.at(0).annotations().at(0).label == "A");
  // A rectangle from frame 3 (of 4 a second) to 4, and from 9 to the end, 12.
  const std::string boxes =
      R"({"annotations":[{"result":[{"type":"videorectangle","value":{"framesCount":12,"labels":["C"],"sequence":[{"frame":3,"enabled":true,"time":0.75},
{"frame":4,"enabled":false},{"frame":9,"enabled":true}]}}]}]})";
  const auto rectangle = read("label-studio", "e.json", boxes);
  BOOST_TEST(rectangle.records.at(0).annotations().at(0).segment.start == 0.5);
  BOOST_TEST(rectangle.records.at(0).annotations().at(0).segment.end == 1);
  BOOST_TEST(rectangle.records.at(0).annotations().at(1).segment.end == 3);
  BOOST_TEST(fault("label-studio", "e.json",
                   "[{\"annotations\":[{\"result\":\n[{\"value\":{\"start\":2,\"end\":1,\"labels\":[\"x\"]}}]}]}]") ==
             "e.json:2: video 'e': [0].annotations[0].result[0].value: end 1 is before start 2");
}

// Nobody looked at a task without an annotation; an annotation without regions says that nothing happens.
BOOST_AUTO_TEST_CASE(label_studio_tasks_that_nobody_annotated) {
  const std::string region =
      R"({"type":"timelinelabels","value":{"ranges":[{"start":1,"end":25}],"timelinelabels":["A"]}})";
  const auto got = read("label-studio", "e.json",
                        R"([{"data":{"video":"none.mp4"},"annotations":[],"predictions":[]},)"
                        R"({"data":{"video":"skipped.mp4"},"annotations":[{"was_cancelled":true,"result":[)" +
                            region + R"(]}],"drafts":[{"result":[)" + region +
                            R"(]}]},{"data":{"video":"predicted.mp4"},"predictions":[{"result":[)" + region +
                            R"(]}]},{"data":{"video":"nothing.mp4"},"annotations":[{"result":[]}]},)"
                            R"({"data":{"video":"plain.mp4"}}])",
                        at_rate(25));
  BOOST_REQUIRE_EQUAL(got.records.size(), 5u);
  for (const std::size_t i : {0, 1, 2, 4}) BOOST_TEST(!got.records[i].has("annotations"), got.records[i].str());
  BOOST_TEST(*got.records[3].raw("annotations") == "[]");
  BOOST_TEST(got.records[2].proposals().size() == 1u);
  const auto said = [&](const std::string& text) {
    return std::any_of(got.notes.begin(), got.notes.end(),
                       [&](const std::string& note) { return note.find(text) != std::string::npos; });
  };
  BOOST_TEST(said("4 tasks that nobody has annotated: no annotations"));
  BOOST_TEST(said("1 draft, which nobody has submitted, left out: [1].drafts[0] of video 'skipped'"));
  // As JSON-MIN has it, and as it goes back.
  const auto min = read("label-studio", "e.json",
                        R"([{"id":1,"video":"a.mp4"},{"id":2,"video":"b.mp4","annotation_id":3,"annotator":1}])");
  BOOST_TEST(!min.records.at(0).has("annotations"));
  BOOST_TEST(*min.records.at(1).raw("annotations") == "[]");
  const auto again = read("label-studio", "e.json", write("label-studio", got.records), at_rate(25));
  for (std::size_t i = 0; i < 5; ++i)
    BOOST_TEST(again.records.at(i).has("annotations") == got.records[i].has("annotations"));
}

// Results of one id are one region: labels, at one time or more, and what else was answered.
BOOST_AUTO_TEST_CASE(label_studio_regions_are_one_result) {
  const std::string results =
      R"([{"id":"b","from_name":"tl","to_name":"video","type":"timelinelabels","value":{"ranges":[{"start":1,"end":25},{"start":51,"end":75}],"timelinelabels":["A","B"]}},)"
      R"({"id":"b","from_name":"speed","to_name":"video","type":"choices","value":{"ranges":[{"start":1,"end":25},{"start":51,"end":75}],"choices":["fast"]}},)"
      R"({"id":"b","from_name":"stars","to_name":"video","type":"rating","value":{"ranges":[{"start":1,"end":25},{"start":51,"end":75}],"rating":4}}])";
  const std::string text = R"([{"data":{"video":"v.mp4"},"annotations":[{"result":)" + results + "}]}]";
  const auto got = read("label-studio", "e.json", text, at_rate(25));
  const std::string more =
      R"(,"tier":"tl","id":"b","answers":[{"from_name":"speed","type":"choices","value":{"choices":["fast"]}},)"
      R"({"from_name":"stars","type":"rating","value":{"rating":4}}],"type":"timelinelabels"})";
  BOOST_TEST(annotations(got) == R"([{"segment":[0,1],"label":"A")" + more + R"(,{"segment":[0,1],"label":"B")" + more +
                                     R"(,{"segment":[2,3],"label":"A")" + more + R"(,{"segment":[2,3],"label":"B")" +
                                     more + "]");
  const std::string out = write("label-studio", got.records);
  for (
      const char* piece :
      {R"({"id":"b","from_name":"tl","to_name":"video","type":"timelinelabels","value":{"ranges":[{"start":1,"end":25},{"start":51,"end":75}],"timelinelabels":["A","B"]}})",
       R"({"id":"b","from_name":"speed","type":"choices","value":{"ranges":[{"start":1,"end":25},{"start":51,"end":75}],"choices":["fast"]},"to_name":"video"})",
       R"("value":{"ranges":[{"start":1,"end":25},{"start":51,"end":75}],"rating":4})"})
    BOOST_TEST(out.find(piece) != std::string::npos, out);
  check_return("label-studio", got, "e.json", at_rate(25));
  // A text beside labels is what was said, not what it is called; without labels it is the label.
  const auto sound = [](const std::string& labels) {
    return annotations(read(
        "label-studio", "e.json",
        R"([{"data":{"audio":"v.wav"},"annotations":[{"result":[)" + labels +
            R"({"id":"r","type":"textarea","from_name":"t","value":{"start":1,"end":2,"channel":0,"text":["hm","so"]}}]}]}])"));
  };
  BOOST_TEST(
      sound(R"({"id":"r","type":"labels","from_name":"l","value":{"start":1,"end":2,"channel":0,"labels":["A"]}},)") ==
      R"([{"segment":[1,2],"label":"A","tier":"l","id":"r","answers":[{"from_name":"t","type":"textarea","value":{"text":["hm","so"]}}],"channel":"0","type":"labels"}])");
  BOOST_TEST(sound("") == R"([{"segment":[1,2],"label":"hm\nso","tier":"t","id":"r","channel":"0","type":"labels"}])");
  // JSON-MIN has no ids: results of the same times are of one region.
  BOOST_TEST(
      annotations(read(
          "label-studio", "e.json",
          R"([{"audio":"v.wav","l":[{"start":1,"end":2,"labels":["A"]}],"stars":[{"start":1,"end":2,"rating":3}]}])")) ==
      R"([{"segment":[1,2],"label":"A","tier":"l","answers":[{"from_name":"stars","value":{"rating":3}}],"type":"labels"}])");
  // Regions that are not alike do not share an id, which they would be one by.
  std::vector<Record> records;
  records.push_back(Record::make("v"));
  records[0].set_number("fps", 1);
  records[0].set_raw(
      "annotations",
      R"([{"segment":[0,1],"label":"A","id":"r","tier":"t"},{"segment":[0,1],"label":"A","id":"r","tier":"u"},)"
      R"({"segment":[3,4],"label":"A","id":"r","tier":"u"},{"segment":[5,6],"label":"C","id":"r","tier":"u","comment":"c"},{"segment":[7,8],"label":"A"}])");
  BOOST_TEST(annotations(read("label-studio", "e.json", write("label-studio", records))) ==
             R"([{"segment":[0,1],"label":"A","tier":"t","id":"r","type":"timelinelabels"},)"
             R"({"segment":[0,1],"label":"A","tier":"u","id":"r-2","type":"timelinelabels"},)"
             R"({"segment":[3,4],"label":"A","tier":"u","id":"r-2","type":"timelinelabels"},)"
             R"({"segment":[5,6],"label":"C","tier":"u","id":"r-3","comment":"c","type":"timelinelabels"},)"
             R"({"segment":[7,8],"label":"A","tier":"videoLabels","id":"a4","type":"timelinelabels"}])");
}

// Whose an annotation is, of which model a prediction, and the channel of sound.
BOOST_AUTO_TEST_CASE(label_studio_keeps_annotators_apart) {
  const auto region = [](const std::string& id) {
    return R"([{"id":")" + id +
           R"(","from_name":"l","to_name":"audio","type":"labels","value":{"start":1.0,"end":2.0,"channel":1,"labels":["A"]}}])";
  };
  const std::string text = R"([
{"data":{"audio":"v.wav"},"annotations":[{"id":1,"completed_by":{"email":"a@b.c"},"result":)" +
                           region("x") + R"(},{"id":2,"completed_by":4,"ground_truth":true,"result":)" + region("y") +
                           R"(}],"predictions":[{"model_version":"m1","result":)" + region("p") +
                           R"(},{"model_version":"m2","result":)" + region("p") + "}]}\n]\n";
  const auto got = read("label-studio", "e.json", text);
  BOOST_TEST(write("label-studio", got.records) == text);
  const auto more = read(
      "label-studio", "e.json",
      R"([{"id":1,"data":{"audio":"v.wav"},"annotations":[{"result":)" + region("x") +
          R"(},{"result":[]}]},{"data":{"audio":"w.wav"},"annotations":[{"result":[{"type":"relation","from_id":"x","to_id":"y"}]}]}])");
  const auto said = [&](const std::string& what) {
    return std::any_of(more.notes.begin(), more.notes.end(),
                       [&](const std::string& note) { return note.find(what) == 0; });
  };
  BOOST_TEST(said("1 annotation without regions beside others of its task left out: [0].annotations[1] of video 'v'"));
  BOOST_TEST(said("1 relation between regions left out: [1].annotations[0].result[0]"));
  // A name that Label Studio does not take for an annotator's stands beside.
  std::vector<Record> records;
  records.push_back(Record::make("v"));
  records[0].set_raw("media", "\"v.wav\"");
  records[0].set_raw("annotations", R"([{"segment":[0,1],"label":"A","annotator":"Ann"}])");
  BOOST_TEST(write("label-studio", records).find(R"("annotations":[{"tal_annotator":"Ann","result")") !=
             std::string::npos);
  BOOST_TEST(annotations(read("label-studio", "e.json", write("label-studio", records))).find(R"("annotator":"Ann")") !=
             std::string::npos);
}

// A region is of the medium that its to_name says, or of none.
BOOST_AUTO_TEST_CASE(label_studio_tasks_with_several_media) {
  const auto task = [](const std::string& to, const std::string& more = "", const std::string& data = "") {
    return R"({"data":{"video1":"a.mp4","video2":"b.mp4")" + data +
           R"(},"annotations":[{"result":[{"type":"timelinelabels","to_name":")" + to +
           R"(","value":{"ranges":[{"start":1,"end":25}],"timelinelabels":["A"]}}]}])" + more + "}";
  };
  const auto videos = [](const Result& result) {
    std::string out;
    for (const auto& record : result.records)
      out += record.video() + ' ' + std::to_string(record.annotations().size()) + ' ';
    return out;
  };
  BOOST_TEST(videos(read("label-studio", "e.json", task("video2"), at_rate(25))) == "b 1 ");
  BOOST_TEST(fault("label-studio", "e.json", task("v2"), at_rate(25)) ==
             "e.json:1: to_name: the task has several media, 'video1' (a.mp4), 'video2' (b.mp4), and neither a "
             "labelling configuration (label_config) nor a member of its data says which of them 'v2' is");
  const std::string config =
      R"(,"label_config":"<View><TimelineLabels name='t' toName='v2'/><Video name='v1' value='$video1'/><Video name='v2' value='$video2' frameRate='5'/></View>")";
  const auto named = read("label-studio", "e.json", task("v2", config));
  BOOST_TEST(videos(named) == "b 1 ");
  BOOST_TEST(named.records.at(0).annotations().at(0).segment.end == 5);
  // Labels for both were looked for in both.
  const std::string both =
      R"(,"label_config":"<View><TimelineLabels name='t' toName='v1,v2'/><Video name='v1' value='$video1'/><Video name='v2' value='$video2'/></View>")";
  BOOST_TEST(videos(read("label-studio", "e.json", task("v2", both))) == "b 1 a 0 ");
  // The type of a region may tell.
  BOOST_TEST(
      videos(read(
          "label-studio", "e.json",
          R"({"data":{"s":"a.wav","v":"b.mp4"},"annotations":[{"result":[{"type":"labels","to_name":"x","value":{"start":1,"end":2,"labels":["A"]}}]}]})")) ==
      "a 1 ");
  // JSON-MIN does not say which it is: the one with the usual name, which is told.
  const auto min =
      read("label-studio", "e.json",
           R"([{"video":"a.mp4","other":"b.mp4","t":[{"ranges":[{"start":1,"end":25}],"timelinelabels":["A"]}]}])",
           at_rate(25));
  BOOST_TEST(videos(min) == "a 1 ");
  BOOST_TEST(min.notes.at(0) ==
             "e.json: 1 task names several media and not which one the regions are of, taken for those of 'video' of "
             "video 'a'");
}

BOOST_AUTO_TEST_CASE(label_studio_names_of_media) {
  const auto task = [](const std::string& video) { return R"({"data":{"video":")" + video + R"("}})"; };
  // Two uploads of one name are files of one name, the same one twice is not.
  const std::string one = task("/data/upload/1/0a1b2c3d-two.mp4"), other = task("/data/upload/1/99999999-two.mp4");
  BOOST_TEST(read("label-studio", "e.json", "[" + one + "," + one + "]").records.size() == 1u);
  BOOST_TEST(fault("label-studio", "e.json", "[" + one + "," + other + "]")
                 .find("are files of one name in different folders") != std::string::npos);
  ImportOptions apart;
  apart.ids = std::make_shared<FileIds>(1);
  const auto both = read("label-studio", "e.json", "[" + one + "," + other + "]", apart);
  BOOST_TEST(both.records.at(1).video() == "99999999_two");
  // A video in a text field.
  const auto markup =
      read("label-studio", "e.json",
           task("<video muted width=100% src='https://x.org/b/four.mp4?x=1' /><img src onerror=\\\"$=n=>1\\\">"));
  BOOST_TEST(markup.records.at(0).video() == "four");
  BOOST_TEST(markup.records.at(0).text("media").value() == "https://x.org/b/four.mp4?x=1");
  BOOST_TEST(
      read("label-studio", "e.json", task("<video controls><source SRC = five.mp4></video>")).records.at(0).video() ==
      "five");
  BOOST_TEST(fault("label-studio", "e.json", task("<p>hello</p>")) ==
             "e.json:1: data.video: markup that plays no medium: neither <video>, <audio> nor <source> with src");
  BOOST_TEST(read("label-studio", "e.json", task("<NA>")).records.at(0).video() == "<NA>");
}

BOOST_AUTO_TEST_CASE(via_projects_and_tables) {
  const std::string text =
      R"({"attribute":{"1":{"aname":"act","type":4,"options":{"0":"walk","1":"run"}},"2":{"aname":"who","type":2,"options":{"a":"Ann","b":"Bob"}}},
"file":{"5":{"fid":"5","fname":"C:\\x\\v.mp4"}},"view":{"1":{"fid_list":["5"]}},"metadata":{
"1_a":{"vid":"1","z":[1.5,2],"xy":[],"av":{"1":"1","2":"a,b"}},"1_b":{"vid":"1","z":[3],"xy":[2,1,2,3,4],"av":{"1":"free"}},
"1_c":{"vid":"1","z":[],"xy":[],"av":{"1":"0"}}}})";
  const auto got = read("via", "p.json", text);
  BOOST_TEST(
      got.records.at(0).str() ==
      R"({"video":"v","media":"C:\\x\\v.mp4","classification":[{"label":"walk","score":1}],"annotations":[)"
      R"({"segment":[1.5,2],"label":"run","tier":"act","id":"1_a"},{"segment":[1.5,2],"label":"Ann","tier":"who","id":"1_a"},)"
      R"({"segment":[1.5,2],"label":"Bob","tier":"who","id":"1_a"},)"
      R"({"at":3,"label":"free","tier":"act","id":"1_b","xy":[2,1,2,3,4]}]})");
  const auto again = read("via", "p.json", write("via", got.records));
  BOOST_TEST(again.records.at(0).raw("classification").value_or("") == R"([{"label":"walk","score":1}])");
  BOOST_TEST(annotations(again) == R"([{"segment":[1.5,2],"label":"run","tier":"act","id":"1_00000002"},)"
                                   R"({"segment":[1.5,2],"label":"Ann","tier":"who","id":"1_00000003"},)"
                                   R"({"segment":[1.5,2],"label":"Bob","tier":"who","id":"1_00000003"},)"
                                   R"({"at":3,"label":"free","tier":"act","id":"1_00000004","xy":[2,1,2,3,4]}])");
  // A checkbox is one again, and what a region or the whole file has is anchored there.
  const std::string project = write("via", got.records);
  for (const char* part : {R"("av":{"3":"Ann,Bob"})", R"("aname":"who","anchor_id":"FILE1_Z2_XY0","type":2)",
                           R"("anchor_id":"FILE1_Z1_XY1")", R"("anchor_id":"FILE1_Z0_XY0")"})
    BOOST_TEST(project.find(part) != std::string::npos, part << " in " << project);
  // Its csv export has the same segments; the rows are laid out as the tool's own.
  const std::string exported = write("via-csv", got.records);
  BOOST_TEST(annotations(read("via", "p.csv", exported)) == annotations(again));
  BOOST_TEST(
      exported.find(
          "\n\"1_00000002\",\"[\"\"C:\\\\x\\\\v.mp4\"\"]\",0,\"[1.5,2.0]\",\"[]\",\"{\"\"2\"\":\"\"run\"\"}\"\n") !=
          std::string::npos,
      exported);
  BOOST_TEST(exported.find(
                 "\n# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n") !=
             std::string::npos);
  const std::string table =
      "# x\n# ATTRIBUTE = {\"1\":{\"aname\":\"act\",\"type\":4,\"options\":{\"0\":\"walk\"}}}\n# CSV_HEADER = "
      "metadata_id,...\n"
      "\"1_a\",\"[\"\"v.mp4\"\"]\",0,\"[1.5,2]\",\"[]\",\"{\"\"1\"\":\"\"0\"\"}\"\n";
  BOOST_TEST(annotations(read("via", "p.csv", table)) ==
             R"([{"segment":[1.5,2],"label":"walk","tier":"act","id":"1_a"}])");
  // Files of the net are, and a label with a comma is one of a checkbox.
  const auto net = read(
      "via", "p.json",
      write("via",
            read("via", "q.json", R"({"attribute":{"1":{"aname":"who","type":2,"options":{"a":"Ann, B","b":"Bob"}}},
"file":{"5":{"fid":"5","fname":"v.webm","loc":2,"src":"https://x.org/a/v.webm"}},"view":{"1":{"fid_list":["5"]}},"metadata":{
"1_a":{"vid":"1","z":[1,2],"xy":[],"av":{"1":"a,b"}},"1_b":{"vid":"1","z":[1,2],"xy":[],"av":{"1":"b"}}}})")
                .records));
  BOOST_TEST(net.records.at(0).text("media").value_or("") == "https://x.org/a/v.webm");
  BOOST_TEST(net.records.at(0).video() == "v");
  BOOST_TEST(annotations(net) == R"([{"segment":[1,2],"label":"Ann, B","tier":"who","id":"1_00000001"},)"
                                 R"({"segment":[1,2],"label":"Bob","tier":"who","id":"1_00000001"},)"
                                 R"({"segment":[1,2],"label":"Bob","tier":"who","id":"1_00000002"}])");
  BOOST_TEST(write("via", net.records).find(R"("loc":2,"src":"https://x.org/a/v.webm")") != std::string::npos);
  BOOST_TEST(fault("via", "p.csv", table + "1_b,\"[\"\"v.mp4\"\"]\",0,\"[3,2]\",[],{}\n") ==
             "p.csv:5: video 'v': temporal_coordinates: end 2 is before start 3");
  BOOST_TEST(fault("via", "p.csv", "# x\na,b\n").find("p.csv:2: 2 fields") == 0u);
  BOOST_TEST(
      fault("via", "p.json", "{\"attribute\":{},\"file\":{},\n\"metadata\":{\"1_a\":{\"vid\":\"9\",\"z\":[1]}}}") ==
      "p.json:2: metadata.1_a: there is no file for '9'");
}

BOOST_AUTO_TEST_CASE(cvat_tracks_and_tags) {
  const auto shape = [](int frame, int outside) {
    return "<box frame=\"" + std::to_string(frame) + "\" outside=\"" + std::to_string(outside) + "\"/>";
  };
  const std::string text =
      "<annotations><meta><task><frame_filter>step=5</frame_filter></task><source>v.mp4</source></meta>\n"
      "<track id=\"3\" label=\"a\">" +
      shape(10, 0) + shape(15, 0) + shape(20, 1) + shape(30, 0) + "<track id=\"0\" label=\"p\">" + shape(10, 0) +
      "</track></track></annotations>";
  const auto got = read("cvat", "x.xml", text, at_rate(10));
  BOOST_TEST(got.records.at(0).str() ==
             R"({"video":"v","fps":10,"media":"v.mp4","annotations":[{"segment":[1,2],"label":"a","tier":"track 3"},)"
             R"({"segment":[3,3.5],"label":"a","tier":"track 3"}]})");
  BOOST_TEST(fault("cvat", "x.xml", text).find("x.xml:2: frame: frames need the frame rate: give --fps") == 0u);
  const auto image = [](int id, const std::string& tag) {
    return "<image id=\"" + std::to_string(id) + "\">" + (tag.empty() ? "" : "<tag label=\"" + tag + "\"/>") +
           "</image>";
  };
  BOOST_TEST(annotations(read("cvat", "x.xml",
                              "<annotations>" + image(0, "a") + image(1, "a") + image(2, "") + image(3, "a") +
                                  image(4, "b") + "</annotations>",
                              at_rate(1))) ==
             R"([{"segment":[0,2],"label":"a","tier":"tags"},{"segment":[3,4],"label":"a","tier":"tags"},)"
             R"({"segment":[4,5],"label":"b","tier":"tags"}])");
}

BOOST_AUTO_TEST_CASE(audacity_labels) {
  const auto got = read("audacity", "x/song.txt", "0.5\t1.25\tA b\r\n\\\t100\t2000.5\r\n2\t2\tclick\r\n3\t4\t\r\n");
  BOOST_TEST(got.records.at(0).str() ==
             R"({"video":"song","annotations":[{"segment":[0.5,1.25],"label":"A b","low":100,"high":2000.5},)"
             R"({"at":2,"label":"click"},{"segment":[3,4]}]})");
  BOOST_TEST(write("audacity", got.records) == "0.5\t1.25\tA b\n\\\t100\t2000.5\n2\t2\tclick\n3\t4\t\n");
  BOOST_TEST(annotations(read("audacity", "s.txt", "0,5\t1,25\tA, b\n")) ==
             R"([{"segment":[0.5,1.25],"label":"A, b"}])");
  BOOST_TEST(annotations(read("audacity", "s.txt", "0.5\told point\n")) == R"([{"at":0.5,"label":"old point"}])");
  BOOST_TEST(fault("audacity", "s.txt", "1\t2\ta\nx\t2\ta\n").find("s.txt:2: video 's': start: ") == 0u);
  BOOST_TEST(fault("audacity", "s.txt", "\\\t1\t2\n").find("s.txt:1: ") == 0u);
  BOOST_TEST(fault("audacity", "s.txt", "2\t1\ta\n") == "s.txt:1: video 's': segment: end 1 is before start 2");
}

BOOST_AUTO_TEST_CASE(raven_tables) {
  const std::string text =
      "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tKind of "
      "sound\tNotes\t\r\n"
      "1\tWaveform 1\t1\t0.5\t1\t0\t8000\tEATO\tn\t\r\n1\tSpectrogram 1\t1\t0.5\t1\t0\t8000\tEATO\tn\t\r\n"
      "2\tSpectrogram 1\t1\t2\t3\t100\t900\t\t\t\r\n";
  const auto got = read("raven", "R_1.Table.1.selections.txt", text);
  BOOST_TEST(
      got.records.at(0).str() ==
      R"({"video":"R_1","annotations":[{"segment":[0.5,1],"label":"EATO","low":0,"high":8000,"channel":"1","columns":{"Notes":"n"}},)"
      R"({"segment":[2,3],"low":100,"high":900,"channel":"1"}]})");
  check_return("raven", got, "R_1.txt");
  BOOST_TEST(read("raven", "R.txt", "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\n").records.at(0).str() ==
             R"({"video":"R","annotations":[]})");
  // BirdNET's names of the frequencies, and a view that the frequencies do not tell.
  const auto birdnet = read("raven", "R.txt",
                            "Selection\tBegin Time (s)\tEnd Time (s)\tLow Frequency (Hz)\tHigh Frequency "
                            "(Hz)\tSpecies\tView\n1\t0\t3\t0\t15000\tjay\tSpectrogram 1\n");
  BOOST_TEST(annotations(birdnet) == R"([{"segment":[0,3],"label":"jay","low":0,"high":15000}])");
  const auto viewed =
      read("raven", "R.txt", "Selection\tView\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\tSpectrogram 2\t0\t3\tjay\n");
  BOOST_TEST(annotations(viewed) == R"([{"segment":[0,3],"label":"jay","columns":{"View":"Spectrogram 2"}}])");
  BOOST_TEST(write("raven", viewed.records).find("\n1\tSpectrogram 2\t1\t0\t3\tjay\n") != std::string::npos);
  ImportOptions notes;
  notes.columns["label"] = "Notes";
  BOOST_TEST(read("raven", "R.txt", text, notes).records.at(0).annotations().at(0).label == "n");
  BOOST_TEST(fault("raven", "R.txt", text + "3\tx\n").find("R.txt:5: 2 fields, but the header has 9") == 0u);
  BOOST_TEST(fault("raven", "R.txt", "a\tb\n1\t2\n").find("R.txt:1: no columns 'Begin Time (s)'") == 0u);
}

BOOST_AUTO_TEST_CASE(dcase_tables) {
  const auto got = read("dcase", "m.tsv",
                        "filename\tonset\toffset\tevent_label\na.wav\t0.5\t1\tDog\nb.wav\t\t\t\na.wav\t2\t2.5\tCat\n");
  BOOST_REQUIRE_EQUAL(got.records.size(), 2u);
  BOOST_TEST(
      got.records[0].str() ==
      R"({"video":"a","media":"a.wav","annotations":[{"segment":[0.5,1],"label":"Dog"},{"segment":[2,2.5],"label":"Cat"}]})");
  BOOST_TEST(got.records[1].str() == R"({"video":"b","media":"b.wav","annotations":[]})");
  BOOST_TEST(write("dcase", got.records) ==
             "filename\tonset\toffset\tevent_label\na.wav\t0.5\t1\tDog\na.wav\t2\t2.5\tCat\nb.wav\t\t\t\n");
  BOOST_TEST(write("dcase-weak", got.records) == "filename\tevent_labels\na.wav\tDog,Cat\nb.wav\t\n");
  const auto weak = read("dcase", "w.tsv", "filename\tevent_labels\na.wav\tDog,Cat\n");
  BOOST_TEST(*weak.records.at(0).raw("classification") == R"([{"label":"Dog","score":1},{"label":"Cat","score":1}])");
  BOOST_TEST(write("dcase-weak", weak.records) == "filename\tevent_labels\na.wav\tDog,Cat\n");
  BOOST_TEST(annotations(read("dcase", "dev_1.ann", "0.5\t1\tdrawer\n")) ==
             R"([{"segment":[0.5,1],"label":"drawer"}])");
  // LLP names the label of an event in the plural.
  BOOST_TEST(annotations(read("dcase", "e.csv", "filename\tonset\toffset\tevent_labels\na\t0\t4\tBaby_cry\n")) ==
             R"([{"segment":[0,4],"label":"Baby_cry"}])");
  // The few-shot task marks events by class.
  const auto shots =
      read("dcase", "f.csv", "Audiofilename,Starttime,Endtime,A,B\nx.wav,1,2,POS,NEG\nx.wav,3,4,UNK,POS\n");
  BOOST_TEST(annotations(shots) == R"([{"segment":[1,2],"label":"A"},{"segment":[3,4],"label":"B"}])");
  BOOST_TEST(shots.notes.at(0) == "1 event that may be of its class (UNK) left out: f.csv:3");
  BOOST_TEST(annotations(read("dcase", "f.csv", "Audiofilename,Starttime,Endtime\nx.wav,1,2\n")) ==
             R"([{"segment":[1,2]}])");
  BOOST_TEST(fault("dcase", "f.csv", "Audiofilename,Starttime,Endtime,Q\nx.wav,1,2,yes\n")
                 .find("Q: must be POS, NEG or UNK, not 'yes'") != std::string::npos);
  // Of 2016 and 2017 with the scene, and clips without an event.
  const auto scene = read("dcase", "e.txt", "audio/a.wav\tstreet\t0.5\t1\tcar horn\naudio/b.wav\n");
  BOOST_REQUIRE_EQUAL(scene.records.size(), 2u);
  BOOST_TEST(
      scene.records[0].str() ==
      R"({"video":"a","media":"audio/a.wav","annotations":[{"segment":[0.5,1],"label":"car horn","scene":"street"}]})");
  BOOST_TEST(scene.records[1].str() == R"({"video":"b","media":"audio/b.wav","annotations":[]})");
  BOOST_TEST(fault("dcase", "e.txt", "a.wav\tx\ty\t1\t2\tcar\n").find("e.txt:1: must be 'onset offset label'") == 0u);
  BOOST_TEST(fault("dcase", "e.txt", "a\n").find("not 1 words") != std::string::npos);
  BOOST_TEST(fault("dcase", "m.tsv", "filename\tonset\toffset\tevent_label\na.wav\t2\t1\tDog\n").find("m.tsv:2: ") ==
             0u);
}

BOOST_AUTO_TEST_CASE(textgrid_long_short_chronological) {
  const std::string body =
      "\"IntervalTier\"\n\" a\"\n0\n3\n3\n-0\n1\n\"x \"\"y\"\"\nz\"\n1\n2\n\" \"\n2\n3\n\"w\"\n"
      "\"TextTier\" \"a\" 0 3 1 1.5 \"\" ! a point\n";
  const std::string text = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n0\n3\n<exists>\n2\n" + body;
  const auto got = read("textgrid", "g.TextGrid", text);
  BOOST_TEST(got.records.at(0).str() ==
             R"({"video":"g","duration":3,"annotations":[{"segment":[0,1],"label":"x \"y\"\nz","tier":" a"},)"
             R"({"segment":[2,3],"label":"w","tier":" a"},{"at":1.5,"tier":"a"}]})");
  check_return("textgrid", got, "g.TextGrid");  // the writer's is the long form
  const std::string chronological =
      "\"Praat chronological TextGrid text file\"\n0 3 ! Time domain.\n2 ! Number of tiers.\n"
      "\"IntervalTier\" \" a\" 0 3\n\"TextTier\" \"a\" 0 3\n"
      "1 0 1\n\"x \"\"y\"\"\nz\"\n1 2 3 \"w\"\n2 1.5\n\"\"\n";
  BOOST_TEST(annotations(read("textgrid", "g.TextGrid", chronological)) == annotations(got));
  for (const bool big : {false, true}) {
    std::string wide = big ? "\xfe\xff" : "\xff\xfe";
    for (const char c : text) big ? (wide += '\0') += c : (wide += c) += '\0';
    BOOST_TEST(annotations(read("textgrid", "g.TextGrid", wide)) == annotations(got));
  }
  std::string latin = text;
  latin.replace(latin.find("w\""), 1, "\xe9");
  BOOST_TEST(read("textgrid", "g.TextGrid", latin).records.at(0).annotations(true, Points::kTaken).at(1).label ==
             "\u00e9");
  // U+1D11E, in UTF-16 a pair.
  std::string pair("\xfe\xff", 2);
  for (const char c : text.substr(0, text.find("w\""))) pair += '\0', pair += c;
  pair += std::string("\xd8\x34\xdd\x1e", 4);
  for (const char c : text.substr(text.find("w\"") + 1)) pair += '\0', pair += c;
  BOOST_TEST(read("textgrid", "g.TextGrid", pair).records.at(0).annotations(true, Points::kTaken).at(1).label ==
             "\U0001D11E");
  const auto part = read("textgrid", "g.TextGrid",
                         "\"ooTextFile\" \"TextGrid\" 0.5 3 <exists> 2 \"IntervalTier\" \"e\" 0.5 3 1 0.5 3 \"\" "
                         "\"TextTier\" \"p\" 0.5 3 1 2 \"x\"");
  BOOST_TEST(part.records.at(0).str() == R"({"video":"g","annotations":[{"at":2,"label":"x","tier":"p"}]})");
  for (const char* said : {"1 TextGrid begins elsewhere than at 0", "1 tier without annotations left out: 'e'"})
    BOOST_TEST(std::any_of(part.notes.begin(), part.notes.end(),
                           [&](const std::string& note) { return note.find(said) == 0u; }),
               said);
  BOOST_TEST(fault("textgrid", "g.TextGrid", text.substr(0, text.size() - 20)).find("g.TextGrid:") == 0u);
  BOOST_TEST(fault("textgrid", "g.TextGrid", "\"ooTextFile\" \"TextGrid\" 0 3 <exists>\n1 \"Tier\"")
                 .find("g.TextGrid:2: 'Tier' is neither") == 0u);
  BOOST_TEST(fault("textgrid", "g.TextGrid", "\"ooTextFile\" \"TextGrid\" 0 3 <exists> 1 \"TextTier\" \"\" 0 3 1e9")
                 .find("is no number of items") != std::string::npos);
  BOOST_TEST(fault("textgrid", "g.TextGrid", "ooBinaryFile\x08TextGrid").find("binary") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(textgrid_overlaps_go_to_another_tier_of_the_name) {
  Record record = Record::make("v");
  record.set_raw("annotations",
                 R"([{"segment":[0,2],"label":"a","tier":"t"},{"segment":[1,3],"label":"b","tier":"t"}])");
  std::vector<Record> records;
  records.push_back(std::move(record));
  const auto again = read("textgrid", "v.TextGrid", write("textgrid", records));
  BOOST_TEST(annotations(again) ==
             R"([{"segment":[0,2],"label":"a","tier":"t"},{"segment":[1,3],"label":"b","tier":"t"}])");
}

BOOST_AUTO_TEST_CASE(subtitles) {
  const std::string vtt =
      "\xEF\xBB\xBFWEBVTT - title\r\nKind: x\r\n\r\nNOTE\r\n00:00.000 is no time\r\n\r\nname\r\n"
      "01:00.500 --> 100:00:02.000 align:start\r\na &lt;b&gt; &amp;lt;\r\n<i>c</i>\r\n\r\n00:03.000 --> 00:04.000\r\n";
  const auto got = read("webvtt", "s.vtt", vtt);
  BOOST_TEST(annotations(got) ==
             R"([{"segment":[60.5,360002],"label":"a <b> &lt;\n<i>c</i>","cue":"name"},{"segment":[3,4]}])");
  BOOST_TEST(
      annotations(read("srt", "s.srt", "1\n00:00:00,5 --> 00:00:07,000\nx\n\n2\n00:00:08,000 --> 00:00:09,000\ny")) ==
      R"([{"segment":[0.5,7],"label":"x"},{"segment":[8,9],"label":"y"}])");
  BOOST_TEST(annotations(read("sbv", "s.sbv", "0:00:00.378,0:00:11.378\nx\ny\n")) ==
             R"([{"segment":[0.378,11.378],"label":"x\ny"}])");
  BOOST_TEST(fault("webvtt", "s.vtt", "WEBVTT\n\n00:61.000 --> 00:62.000\nx\n")
                 .find("s.vtt:3: video 's': not the times of a cue") == 0u);
  BOOST_TEST(fault("webvtt", "s.vtt", "00:01.000 --> 00:02.000\nx\n").find("begins with WEBVTT") != std::string::npos);
  const auto skipped = read("sbv", "s.sbv", "0:00:05.000,0:00:04.000\nx\n\n0:00:06.000,0:00:07.000\ny\n", {}, true);
  BOOST_TEST(annotations(skipped) == R"([{"segment":[6,7],"label":"y"}])");
  BOOST_TEST(skipped.errors.at(0) == "s.sbv:1: video 's': segment: end 4 is before start 5");
}

BOOST_AUTO_TEST_CASE(substation_alpha) {
  const std::string head = "[Script Info]\n; note\n[V4+ Styles]\nFormat: Name, Fontname\n[Events]\n";
  const std::string format = "Format: Layer, Start, End, Style, Name, Text\n";
  const auto got = read("ass", "s.ass",
                        "\xEF\xBB\xBF" + head + format +
                            "Comment: 0,0:00:00.00,0:00:01.00,Default,,no\n"
                            "Dialogue: 0,0:00:00.50,1:00:02.00,Default,Ann,{\\i1}a, b{\\i0}\\Nc\\hd\n"
                            "Dialogue: 0,0:00:03.00,0:00:04.25,,,e\n[Fonts]\nDialogue: x\n");
  BOOST_TEST(annotations(got) ==
             "[{\"segment\":[0.5,3602],\"label\":\"a, b\\nc\u00a0d\",\"tier\":\"Default\",\"name\":\"Ann\"},"
             "{\"segment\":[3,4.25],\"label\":\"e\"}]");
  BOOST_TEST(got.notes.at(0) == "1 comment left out: s.ass:7");
  BOOST_TEST(fault("ass", "s.ass", head + format + "Dialogue: 0,0:00:00.50,0:61:00.00,D,,x\n") ==
             "s.ass:7: video 's': End: must be h:mm:ss.cc");
  BOOST_TEST(fault("ass", "s.ass", head + format + "Dialogue: 0,0:00:00.50\n") ==
             "s.ass:7: video 's': Dialogue: 6 fields are named in Format, 2 are here");
  BOOST_TEST(fault("ass", "s.ass", head + "Dialogue: 0,x\n") ==
             "s.ass:6: video 's': Dialogue: a line Format must stand before it");
  BOOST_TEST(fault("ass", "s.ass", "[Script Info]\n") == "s.ass: no section [Events]");
}

BOOST_AUTO_TEST_CASE(rttm_lines) {
  const auto got = read("rttm", "x.rttm",
                        ";; comment\nSPKR-INFO f 1 <NA> <NA> <NA> unknown A <NA>\n"
                        "SPEAKER f 1 1.5 0.25 <NA> <NA> A 0.5\nSU f 1 2 <NA> <NA> statement <NA> <NA> <NA>\n");
  BOOST_TEST(annotations(got) ==
             R"([{"segment":[1.5,1.75],"label":"A","type":"SPEAKER","channel":"1","confidence":0.5},)"
             R"({"at":2,"label":"statement","type":"SU","channel":"1"}])");
  BOOST_TEST(write("rttm", got.records) ==
             "SPEAKER f 1 1.5 0.25 <NA> <NA> A 0.5 <NA>\nSU f 1 2 <NA> <NA> <NA> statement <NA> <NA>\n");
  BOOST_TEST(
      fault("rttm", "x.rttm", "SPEAKER f 1 1 -2 <NA> <NA> A <NA>\n").find("x.rttm:1: duration: must not be negative") ==
      0u);
  BOOST_TEST(fault("rttm", "x.rttm", "SPEAKER f 1 1\n").find("x.rttm:1: ") == 0u);
}

BOOST_AUTO_TEST_CASE(datavyu_text) {
  const std::string db =
      "#4\nhands (MATRIX,true,)-hand|NOMINAL,look|NOMINAL\n00:00:01:500,00:01:02:000,(le\\,ft,)\n"
      "note (TEXT)\n00:00:03:000,00:00:00:000,a, b\n";
  BOOST_TEST(annotations(read("datavyu", "d.csv", db)) ==
             R"x([{"segment":[1.5,62],"label":"(le\\,ft,)","tier":"hands","codes":{"hand":"le,ft","look":""}},)x"
             R"({"at":3,"label":"a, b","tier":"note"}])");
  const std::string cells = "file,column,ordinal,onset,offset,hand,look\nd,hands,1,1500,62000,left,\n";
  BOOST_TEST(
      read("datavyu", "c.csv", cells).records.at(0).str() ==
      R"({"video":"d","media":"d","annotations":[{"segment":[1.5,62],"label":"left,","tier":"hands","codes":{"hand":"left","look":""}}]})");
  // The oldest texts have no version, and a text may go on in the next line.
  BOOST_TEST(annotations(read("datavyu", "d.csv",
                              "note (TEXT,true,)\n00:00:01:000,00:00:02:000,a\\\nb\n"
                              "00:00:03:000,00:00:04:000,c\\\\\n00:00:05:000,00:00:06:000,d\n")) ==
             R"([{"segment":[1,2],"label":"a\nb","tier":"note"},{"segment":[3,4],"label":"c\\\\","tier":"note"},)"
             R"({"segment":[5,6],"label":"d","tier":"note"}])");
  BOOST_TEST(fault("datavyu", "d.csv", "note (TEXT)\n00:00:01:000,00:00:02:000,a\\\n00:00:03:000\\,00:00:04:000,b\n")
                 .find("d.csv:3: video 'd': onset: '00:00:03:000\\' is no time") == 0u);
  BOOST_TEST(fault("datavyu", "d.csv", db + "0:0,1:1,x\n").find("d.csv:6: video 'd': onset: '0:0' is no time") == 0u);
  BOOST_TEST(fault("datavyu", "d.opf", "PK\x03\x04 broken").find("d.opf") == 0u);
}

BOOST_AUTO_TEST_CASE(raters_are_tiers_of_a_table) {
  BOOST_TEST(annotations(read("segments-csv", "b.csv",
                              "video;start;end;label;Rater\n\"v\";1;2;\"x\";\"R1\"\n\"v\";1.5;2;\"x\";\"R2\"\n")) ==
             R"([{"segment":[1,2],"label":"x","tier":"R1"},{"segment":[1.5,2],"label":"x","tier":"R2"}])");
}

BOOST_AUTO_TEST_CASE(formats_are_known_by_their_looks) {
  // The formats that a file fits best.
  const auto looks = [](const std::string& name, const std::string& text) {
    const FileLook file(SourceText{name, text});
    Fit best = Fit::kGeneral;
    std::string out;
    for (const auto& format : import_formats()) {
      const Fit fit = format.looks_like ? format.looks_like(file) : Fit::kNone;
      if (fit == Fit::kOwn && best != Fit::kOwn) best = fit, out.clear();
      if (fit == best) out += (out.empty() ? "" : " ") + format.name;
    }
    return out;
  };
  BOOST_TEST(looks("a.eaf", eaf("", "")) == "elan");
  BOOST_TEST(looks("a.boris", R"({"behaviors_conf":{},"observations":{}})") == "boris");
  BOOST_TEST(looks("a.tsv", "Observation id\to\t\n\t\t\nTime\tSubject\tBehavior\n") == "boris");
  BOOST_TEST(looks("a.csv", "o,d,v,60,25,A,s,,m,STATE,1,2,1,,\n") == "boris");
  BOOST_TEST(looks("a.json", R"([{"data":{"video":"v"},"annotations":[{"result":[]}]}])") == "label-studio");
  BOOST_TEST(looks("a.json", R"([{"video":"v","t":[{"ranges":[],"timelinelabels":["A"]}]}])") == "label-studio");
  BOOST_TEST(looks("a.json", R"([{"data":{"video":"v"}}])") == "label-studio");
  BOOST_TEST(looks("a.csv", "id,video,tl,annotator,annotation_id\n1,v.mp4,\"[]\",1,5\n") == "label-studio");
  BOOST_TEST(looks("a.txt", "0.5\t1\tx\n\\\t1\t2\n") == "audacity");
  BOOST_TEST(looks("a.txt", "0.5\t1\tx\n").find("audacity") != std::string::npos);
  BOOST_TEST(looks("a.TextGrid", "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n") == "textgrid");
  BOOST_TEST(looks("a.json", R"({"attribute":{},"file":{},"view":{},"metadata":{}})") == "via");
  BOOST_TEST(looks("a.csv", "# x\n# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,a,b\n") == "via");
  BOOST_TEST(looks("a.xml", "<?xml version=\"1.0\"?><annotations/>") == "cvat");
  BOOST_TEST(looks("a.tsv", "filename\tonset\toffset\tevent_label\na\t1\t2\tx\n") == "dcase");
  BOOST_TEST(looks("a.tsv", "filename\tevent_labels\na\tx,y\n") == "dcase");
  BOOST_TEST(looks("a.txt", "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\t1\t2\tx\n") == "raven");
  BOOST_TEST(looks("a.vtt", "\xEF\xBB\xBFWEBVTT\n") == "webvtt");
  BOOST_TEST(looks("a.srt", "1\n00:00:00,500 --> 00:00:07,000\nx\n") == "srt");
  BOOST_TEST(looks("a.srt", "00:00:00,500 --> 00:00:07,000\nx\n") == "srt");
  BOOST_TEST(looks("a.ass", "[Script Info]\nTitle: x\n") == "ass");
  BOOST_TEST(looks("a.txt", "a.wav\tstreet\t1.5\t2\tcar\nb.wav\n") == "dcase");
  BOOST_TEST(looks("a.csv", "Audiofilename,Starttime,Endtime,Q\nx.wav,1,2,POS\n") == "dcase");
  BOOST_TEST(looks("a.txt", "a\t1.5\t2\tcar horn\n") == "dcase");
  BOOST_TEST(looks("a.txt", "a\t1.5\t2\t3\n") != "dcase");
  BOOST_TEST(looks("a.csv", "note (TEXT)\n00:00:01:000,00:00:02:000,a\n") == "datavyu");
  BOOST_TEST(looks("a.sbv", "0:00:00.378,0:00:11.378\nx\n") == "sbv");
  BOOST_TEST(looks("a.rttm", "SPEAKER f 1 1.5 0.25 <NA> <NA> A <NA>\n") == "rttm");
  BOOST_TEST(looks("a.csv", "#4\nnote (TEXT)\n") == "datavyu");
  BOOST_TEST(looks("a.csv", "file,column,ordinal,onset,offset,hand\nd,h,1,1,2,x\n") == "datavyu");
}

BOOST_AUTO_TEST_CASE(files_in_utf16_are_known_by_their_looks) {
  const test::Folder folder;
  const std::string text = "1\r\n00:00:00,500 --> 00:00:07,000\r\nx\r\n";
  for (const bool big : {false, true}) {
    std::string wide = big ? "\xfe\xff" : "\xff\xfe";
    for (const char c : text) big ? (wide += '\0') += c : (wide += c) += '\0';
    const std::string path = folder / "s.srt";
    std::ofstream(path, std::ios::binary) << wide;
    BOOST_TEST(recognise_format({path}, [](const std::string&) {}).name == "srt");
  }
}

BOOST_AUTO_TEST_CASE(a_section_of_settings_is_no_json) {
  const auto refused = [](const std::string& text) {
    return test::message_of([&] { FileLook(SourceText{"a.ini", text}).refuse_json("a.ini"); });
  };
  BOOST_TEST(refused("[Settings]\nx=1\n") == "no error");
  BOOST_TEST(refused("[1, 2\n").find("a.ini:") == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
