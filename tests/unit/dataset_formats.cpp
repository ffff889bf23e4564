// The formats of data sets (libtal/formats) on small texts worked out by hand: what they become, what is refused with
// its place, and the way back.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>

#include "libtal/base/error.h"
#include "libtal/formats/formats.h"

namespace {

using namespace tal;

const ImportFormat& format_named(const std::string& name) {
  const auto& formats = import_formats();
  return *std::find_if(formats.begin(), formats.end(), [&](const auto& format) { return format.name == name; });
}

// The records that a text becomes, a line each; an error's text where it is at fault.
std::string converted(const std::string& format, const std::string& name, const std::string& text,
                      const ImportOptions& options = {}) {
  std::string out;
  const ImportSink sink{[&](Record& record) { out += record.str() + "\n"; },
                        [](const Error& error, std::string_view) { throw error; }, [](const std::string&) {}};
  try {
    format_named(format).reader({{name, text}}, options, sink);
  } catch (const Error& error) {
    return error.what();
  } catch (const UsageError& error) {
    return error.what();
  }
  return out;
}

// The files that records become, "NAME:\nTEXT" each, or the text.
std::string exported(const std::string& format, const std::string& records, const ExportOptions& options = {}) {
  const auto& formats = export_formats();
  const auto writer =
      std::find_if(formats.begin(), formats.end(), [&](const auto& f) { return f.name == format; })->make(options);
  std::string out;
  try {
    for (std::size_t begin = 0; begin < records.size();) {
      const auto end = records.find('\n', begin);
      Record record;
      record.parse(records.substr(begin, end - begin));
      writer->add(record, out);
      begin = end + 1;
    }
    writer->end(out);
  } catch (const Error& error) {
    return error.what();
  }
  for (const auto& [name, text] : writer->files()) out += name + ":\n" + text;
  return out;
}

ImportOptions with_fps(double fps) {
  ImportOptions options;
  options.fps = fps;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dataset_formats)

BOOST_AUTO_TEST_CASE(frame_labels) {
  auto options = with_fps(10);
  const std::string text = "SIL\nSIL\npour\npour\npour\nSIL\n";
  BOOST_TEST(converted("frame-labels", "gt/a.txt", text, options) ==
             R"({"video":"a","duration":0.6,"fps":10,"frames":6,"annotations":[{"segment":[0,0.2],"label":"SIL"},)"
             R"({"segment":[0.2,0.5],"label":"pour"},{"segment":[0.5,0.6],"label":"SIL"}]})"
             "\n");
  options.background = {"SIL"};
  const auto records = converted("frame-labels", "gt/a.txt", text, options);
  BOOST_TEST(records ==
             R"({"video":"a","duration":0.6,"fps":10,"frames":6,"annotations":[{"segment":[0.2,0.5],"label":"pour"}]})"
             "\n");
  ExportOptions back;
  BOOST_TEST(exported("frame-labels", records, back) ==
             "video 'a': frame 0 is in no segment: give --background with the label of such frames");
  back.background = {"SIL"};
  BOOST_TEST(exported("frame-labels", records, back) == text);
  BOOST_TEST(exported("frame-results", records, back) ==
             "a:\n### Frame level recognition: ###\nSIL SIL pour pour pour SIL\n");

  // Results: a title, and all labels on the second line; numbers by --classes.
  options.background.clear(), options.tables.classes = {{0, "SIL"}, {1, "pour milk"}};
  BOOST_TEST(converted("frame-labels", "a", "### Frame level recognition: ###\n0 1 1\n", options) ==
             R"({"video":"a","duration":0.3,"fps":10,"frames":3,"proposals":[{"segment":[0,0.1],"label":"SIL"},)"
             R"({"segment":[0.1,0.3],"label":"pour milk"}]})"
             "\n");
  BOOST_TEST(converted("frame-labels", "a.txt", "SIL\nother\n", options) ==
             "a.txt:2: video 'a': label: 'other' is not in --classes");
  BOOST_TEST(
      converted("frame-labels", "a.txt", "0 SIL\n1 pour\n", with_fps(10)) ==
      "a.txt:1: video 'a': label: '0 SIL' has several words: where these are one label, give --classes (ranges of "
      "frames, '1-30 SIL', are --from breakfast)");
  BOOST_TEST(converted("frame-labels", "a.txt", "a\n\nb\n", with_fps(10)) ==
             "a.txt:2: video 'a': label: empty: each frame has a label");
  BOOST_TEST(converted("frame-labels", "a.txt", "a\n") ==
             "a.txt: video 'a': fps: frames need the frame rate: give --fps, or --durations with an fps column");
  BOOST_TEST(converted("frame-labels", "a.txt", "\n", with_fps(10)) == "a.txt: video 'a': holds no label");

  const auto line = [](const std::string& items) {
    return R"({"video":"a","fps":10,"frames":4,"annotations":[)" + items + "]}\n";
  };
  BOOST_TEST(exported("frame-labels", line(R"({"segment":[0,0.3],"label":"a"},{"segment":[0.2,0.4],"label":"b"})"),
                      back) == "video 'a': annotations[1].segment: overlaps annotations[0]: a frame has one label");
  BOOST_TEST(exported("frame-labels", line(R"({"segment":[0,0.5],"label":"a"})"), back) ==
             "video 'a': annotations[0].segment: reaches over the video's 4 frames");
  BOOST_TEST(exported("frame-labels", line(R"({"segment":[0.21,0.23],"label":"a"})"), back) ==
             "video 'a': annotations[0].segment: holds no frame at 10 frames a second");
  BOOST_TEST(exported("frame-labels", line(R"({"at":0.2,"label":"a"})"), back) ==
             "video 'a': annotations[0].at: a point in time has no length; this step needs segments (tal-convert "
             "--points drop "
             "leaves points out, --points S makes them S seconds long)");
}

BOOST_AUTO_TEST_CASE(breakfast) {
  ImportOptions options;
  options.background = {"SIL"};
  BOOST_TEST(converted("breakfast", "x/P03_coffee.txt", "1-30 SIL \n31-150 take_cup \n", options) ==
             R"({"video":"P03_coffee","fps":15,"annotations":[{"segment":[2,10],"label":"take_cup"}]})"
             "\n");
  options.fps = 10;
  BOOST_TEST(converted("breakfast", "a.txt", "1-30 SIL\n", options) == R"({"video":"a","fps":10,"annotations":[]})"
                                                                       "\n");
  BOOST_TEST(converted("breakfast", "a.txt", "0-30 x\n") == "a.txt:1: video 'a': first frame: frames count from 1");
  BOOST_TEST(converted("breakfast", "a.txt", "5-3 x\n") == "a.txt:1: video 'a': last frame: is before the first");
  BOOST_TEST(converted("breakfast", "a.txt", "5 3 x\n") ==
             "a.txt:1: video 'a': must be 'FIRST-LAST UNIT', frames that count from 1");
}

BOOST_AUTO_TEST_CASE(salads) {
  ImportOptions options;
  options.tables.starts["01-1"] = 33.5;
  BOOST_TEST(converted("50salads", "x/01-1-activityAnnotation.txt", "53704269 268768513 cut\n", options) ==
             R"({"video":"01-1","annotations":[{"segment":[20.204268999999996,235.26851299999998],"label":"cut"}]})"
             "\n");
  BOOST_TEST(
      converted("50salads", "rgb-01-1.txt", "1,30,start,0\n31,90,cut,4\n") ==
      R"({"video":"rgb-01-1","fps":30,"annotations":[{"segment":[0,1],"label":"start"},{"segment":[1,3],"label":"cut"}]})"
      "\n");
  BOOST_TEST(converted("50salads", "a.txt", "0,30,start,0\n") ==
             "a.txt:1: video 'a': first frame: frames count from 1");
  BOOST_TEST(converted("50salads", "a.txt", "5,3,start,0\n") == "a.txt:1: video 'a': last frame: is before the first");
  BOOST_TEST(
      converted("50salads", "a.txt", "1 2\n").ends_with("in microseconds or 'FIRST,LAST,ACTIVITY,CLASS' in frames"));
}

BOOST_AUTO_TEST_CASE(sample_labels) {
  ImportOptions options;
  options.background = {"null"};
  const std::string text =
      "subject,sample,time,label,prediction\ns1,0,0.00,null,null\ns1,1,0.02,walk,walk\ns1,2,0.04,walk,null\n"
      "s2,0,0.00,run,run\ns2,1,0.02,run,walk\n";
  BOOST_TEST(converted("sample-labels", "t.csv", text, options) ==
             R"({"video":"s1","duration":0.06,"annotations":[{"segment":[0.02,0.06],"label":"walk"}],)"
             R"("proposals":[{"segment":[0.02,0.04],"label":"walk"}]})"
             "\n"
             R"({"video":"s2","duration":0.04,"annotations":[{"segment":[0,0.04],"label":"run"}],)"
             R"("proposals":[{"segment":[0,0.02],"label":"run"},{"segment":[0.02,0.04],"label":"walk"}]})"
             "\n");
  options.signals.rate = 4;
  BOOST_TEST(converted("sample-labels", "rec.csv", "x,activity\n1,a\n2,a\n3,null\n", options) ==
             R"({"video":"rec","duration":0.75,"annotations":[{"segment":[0,0.5],"label":"a"}]})"
             "\n");
  BOOST_TEST(converted("sample-labels", "r.csv", "time,label\n0,a\n1,a\n5,a\n")
                 .starts_with("r.csv:4: video 'r': time: 'time' goes from 1 to 5, where a sample is 1 behind"));
  BOOST_TEST(converted("sample-labels", "r.csv", "x,label\n0,a\n") ==
             "r.csv:1: no column of times: give --rate, or --columns time=NAME");
}

BOOST_AUTO_TEST_CASE(soccernet) {
  const std::string text =
      R"({"UrlLocal":"l/s/game/","gameDate":"","annotations":[)"
      R"({"gameTime":"1 - 00:12","label":"Goal","position":"12051","team":"home","visibility":"visible"},)"
      R"({"gameTime":"2 - 01:00","label":"Foul","position":"60000","team":"away","visibility":"not shown"}]})";
  const auto records = converted("soccernet", "g.json", text);
  BOOST_TEST(records ==
             R"({"video":"l/s/game/1","annotations":[{"at":12.051,"label":"Goal","gameTime":"1 - 00:12","team":"home",)"
             R"("visibility":"visible"}],"soccernet":{"gameDate":""}})"
             "\n"
             R"({"video":"l/s/game/2","annotations":[{"at":60,"label":"Foul","gameTime":"2 - 01:00","team":"away",)"
             R"("visibility":"not shown"}]})"
             "\n");
  BOOST_TEST(exported("soccernet", records) == "l/s/game/Labels-v2.json:\n" + text + "\n");
  // Results have the half by itself and a score; what gameTime would be is made.
  const auto results = converted(
      "soccernet", "r.json",
      R"({"UrlLocal":"l/s/game","predictions":[{"label":"Foul","position":61000,"half":"2","confidence":"0.5"}]})");
  BOOST_TEST(results ==
             "{\"video\":\"l/s/game/1\",\"proposals\":[]}\n"
             "{\"video\":\"l/s/game/2\",\"proposals\":[{\"at\":61,\"score\":0.5,\"label\":\"Foul\"}]}\n");
  BOOST_TEST(exported("soccernet", results) ==
             "l/s/game/results_spotting.json:\n{\"UrlLocal\":\"l/s/game\",\"predictions\":[{\"gameTime\":\"2 - 01:01\","
             "\"label\":\"Foul\",\"position\":\"61000\",\"half\":\"2\",\"confidence\":\"0.5\"}]}\n");
  const auto fault = [](const std::string& event) {
    return converted("soccernet", "g.json", "{\"UrlLocal\":\"g\",\n\"annotations\":[\n" + event + "]}");
  };
  BOOST_TEST(fault(R"({"gameTime":"x","label":"a","position":"1"})") ==
             "g.json:3: video 'g': annotations[0].gameTime: 'x' must be 'HALF - MM:SS'");
  BOOST_TEST(fault(R"({"gameTime":"1 - 00:01","position":"1"})") ==
             "g.json:3: video 'g': annotations[0].label: missing");
  // Files of replays know nothing but when a shot changes.
  BOOST_TEST(
      converted(
          "soccernet", "g.json",
          R"({"UrlLocal":"g","annotations":[{"gameTime":"1 - 00:01","label":"","position":"1000","replay":"replay"}]})") ==
      "{\"video\":\"g/1\",\"annotations\":[{\"at\":1,\"gameTime\":\"1 - 00:01\",\"replay\":\"replay\"}]}\n");
  BOOST_TEST(
      converted("soccernet", "r.json",
                R"({"UrlLocal":"g","predictions":[{"half":"1","label":"","position":"1000","confidence":"1"}]})") ==
      "r.json:1: video 'g': predictions[0].label: missing");
  BOOST_TEST(converted("soccernet", "g.json", "{\"annotations\":[]}") ==
             "g.json:1: UrlLocal: missing; it names the game");
  BOOST_TEST(exported("soccernet", "{\"video\":\"v\",\"annotations\":[]}\n") ==
             "video 'v': video: 'v' is no half of a game, GAME/1");
  BOOST_TEST(exported("soccernet", "{\"video\":\"v/1\",\"annotations\":[{\"segment\":[1,2],\"label\":\"a\"}]}\n") ==
             "video 'v/1': annotations[0].segment: SoccerNet's files hold points (\"at\"), and this has a length");
}

BOOST_AUTO_TEST_CASE(spotting) {
  const std::string text =
      R"([{"video":"v","num_frames":100,"num_events":1,"events":[{"frame":30,"label":"land","comment":"axel"}],"fps":25,)"
      R"("width":640,"height":360}])";
  const auto records = converted("spotting-json", "s.json", text);
  BOOST_TEST(
      records ==
      R"({"video":"v","duration":4,"fps":25,"frames":100,"annotations":[{"at":1.2,"label":"land","comment":"axel"}],)"
      R"("width":640,"height":360})"
      "\n");
  BOOST_TEST(exported("spotting-json", records) == "[\n" + text.substr(1, text.size() - 2) + "\n]\n");
  BOOST_TEST(
      converted(
          "spotting-json", "s.json",
          R"([{"video":"v","fps":10,"events":[{"frame":5,"label":"a","score":0.5}]},{"video":"w","fps":10,"events":[]}])") ==
      "{\"video\":\"v\",\"fps\":10,\"proposals\":[{\"at\":0.5,\"score\":0.5,\"label\":\"a\"}]}\n"
      "{\"video\":\"w\",\"fps\":10,\"proposals\":[]}\n");
  BOOST_TEST(converted("spotting-json", "s.json", "[\n{\"video\":\"v\",\"events\":[]}]") ==
             "s.json:2: video 'v': fps: missing: give --fps, or --durations with the videos' rates");
  // A rate of -1 is not known.
  const std::string unknown = R"([{"video":"v","fps":-1,"num_frames":50,"events":[{"frame":5,"label":"a"}]}])";
  BOOST_TEST(converted("spotting-json", "s.json", unknown).find("s.json:1: video 'v': fps: missing: give --fps") == 0u);
  BOOST_TEST(
      converted("spotting-json", "s.json", unknown, with_fps(10)) ==
      "{\"video\":\"v\",\"duration\":5,\"fps\":10,\"frames\":50,\"annotations\":[{\"at\":0.5,\"label\":\"a\"}]}\n");
  BOOST_TEST(converted("spotting-json", "s.json", R"([{"video":"v","fps":-2,"events":[]}])") ==
             "s.json:1: video 'v': fps: must be positive, not -2");
  BOOST_TEST(converted("spotting-json", "s.json", "[{\"video\":\"v\",\"fps\":10,\"events\":[{\"label\":\"a\"}]}]") ==
             "s.json:1: video 'v': events[0].frame: missing");
}

BOOST_AUTO_TEST_CASE(epic_kitchens) {
  const std::string text =
      "narration_id,video_id,start_timestamp,stop_timestamp,narration,verb,verb_class,noun,noun_class,all_nouns\n"
      "P01_0,P01,00:00:01.50,00:01:02.00,take plate,take,0,plate,2,\"['plate', 'cup']\"\n";
  ImportOptions options;
  BOOST_TEST(
      converted("epic-kitchens", "e.csv", text) ==
      R"({"video":"P01","annotations":[{"segment":[1.5,62],"label":"0","narration_id":"P01_0","narration":"take plate",)"
      R"("verb":"take","verb_class":0,"noun":"plate","noun_class":2,"all_nouns":"['plate', 'cup']"}]})"
      "\n");
  const auto label = [&](const std::string& column) {
    options.columns["label"] = column;
    const auto out = converted("epic-kitchens", "e.csv", text, options);
    const auto begin = out.find("\"label\":");
    return begin == std::string::npos ? out : out.substr(begin + 8, out.find(",\"narration_id", begin) - begin - 8);
  };
  BOOST_TEST(label("noun") == "\"plate\"");
  BOOST_TEST(label("action") == "\"0,2\"");
  BOOST_TEST(label("narration") == "\"take plate\"");
  BOOST_TEST(label("colour") == "e.csv:1: no column 'colour' for the label");
  options.tables.classes = {{0, "take"}};
  BOOST_TEST(label("verb_class") == "\"take\"");

  // Those of the test set have no labels, whatever else they have.
  BOOST_TEST(converted("epic-kitchens", "t.csv",
                       "narration_id,participant_id,video_id,start_timestamp,stop_timestamp,start_frame\n"
                       "P01_0,P01,P01_1,00:00:01.50,00:00:02.00,90\n") ==
             "{\"video\":\"P01_1\",\"annotations\":[{\"segment\":[1.5,2],\"narration_id\":\"P01_0\","
             "\"participant_id\":\"P01\",\"start_frame\":90}]}\n");

  const auto fit = [](const std::string& columns) {
    return looks_like_epic_kitchens(FileLook(SourceText{"e.csv", columns + "\na,b,c,0:00:01.5,0:00:02.5,x\n"}));
  };
  BOOST_CHECK(fit("narration_id,participant_id,video_id,start_timestamp,stop_timestamp,start_frame") == Fit::kOwn);
  BOOST_CHECK(fit("annotation_id,participant_id,video_id,start_timestamp,stop_timestamp,class") == Fit::kNone);

  const std::string results =
      R"({"version":"0.2","results":{"P01":[{"verb":3,"noun":2,"action":"3,2","segment":[1,2],"score":0.5}]}})";
  BOOST_TEST(
      converted("epic-results", "r.json", results) ==
      R"({"video":"P01","proposals":[{"segment":[1,2],"score":0.5,"label":"3","verb":3,"noun":2,"action":"3,2"}]})"
      "\n");
  ImportOptions action;
  action.columns["label"] = "action";
  BOOST_TEST(converted("epic-results", "r.json", results, action).find("\"label\":\"3,2\"") != std::string::npos);
  BOOST_TEST(converted("epic-results", "r.json", R"({"results":{"P":[{"segment":[1,2],"score":1}]}})") ==
             "r.json:1: video 'P': results[0].verb: missing");
}

BOOST_AUTO_TEST_CASE(moments_with_sentences) {
  BOOST_TEST(converted("moments", "c.json",
                       R"({"v_a":{"duration":10.5,"timestamps":[[0,4.5],[3,10]],"sentences":["One.", " Two."]}})") ==
             "{\"video\":\"v_a\",\"duration\":10.5,\"annotations\":[{\"segment\":[0,4.5],\"label\":\"One.\"},"
             "{\"segment\":[3,10],\"label\":\"Two.\"}]}\n");
  // With a frame rate in place of the duration, the times count frames.
  BOOST_TEST(converted("moments", "t.json",
                       R"({"s1.avi":{"timestamps":[[50,100]],"fps":25,"num_frames":250,"sentences":["x"]}})") ==
             "{\"video\":\"s1\",\"duration\":10,\"fps\":25,\"frames\":250,"
             "\"annotations\":[{\"segment\":[2,4],\"label\":\"x\"}]}\n");
  BOOST_TEST(
      converted("moments", "r.json", R"({"version":"1","results":{"a":[{"sentence":"x","timestamp":[1,2]}]}})") ==
      "{\"video\":\"a\",\"proposals\":[{\"segment\":[1,2],\"label\":\"x\"}]}\n");
  const std::string query = R"({"qid":1,"query":"a","duration":150,"vid":"v","relevant_windows":[[82,150]]})";
  const std::string other = R"({"qid":2,"query":"b","vid":"v","pred_relevant_windows":[[1,2,0.5]]})";
  BOOST_TEST(converted("moments", "q.jsonl", query + "\n" + other + "\n") ==
             "{\"video\":\"v\",\"duration\":150,"
             "\"annotations\":[{\"segment\":[82,150],\"label\":\"a\",\"qid\":1}],"
             "\"proposals\":[{\"segment\":[1,2],\"score\":0.5,\"label\":\"b\",\"qid\":2}]}\n");
  BOOST_TEST(converted("moments", "s.txt", "AX 24.3 30##person turns.\nBY 0 4.9##x##y\n") ==
             "{\"video\":\"AX\",\"annotations\":[{\"segment\":[24.3,30],\"label\":\"person turns.\"}]}\n"
             "{\"video\":\"BY\",\"annotations\":[{\"segment\":[0,4.9],\"label\":\"x##y\"}]}\n");
  for (const auto& [text, fault] : std::vector<std::pair<std::string, std::string>>{
           {"AX 1 2 person\n", "f:1: must be 'VIDEO START END##SENTENCE'"},
           {"AX 2 1##x\n", "f:1: segment: end 1 is before start 2"},
           {R"({"a":{"timestamps":[[0,1]],"sentences":[]}})", "f:1: video 'a': sentences: 0 for 1 timestamps"},
           {R"({"a":{"timestamps":[[2,1]],"sentences":["x"]}})",
            "f:1: video 'a': timestamps[0]: end 1 is before start 2"},
           {R"({"a":{"timestamps":[]}})", "f:1: video 'a': sentences: missing"},
           {query + "\n{\"qid\":2,\"vid\":\"v\"}", "f:2: query: missing"},
           {query + "\n{\"qid\":2,\"query\":\"a\",\"vid\":\"v\",\"vid\":\"w\"}",
            "f:2: the key 'vid' stands twice here (column 32)"},
           {query + "\n{\"qid\":2,\"vid\":\"v,\"query\":\"a\"}",
            "f:2: vid: not valid JSON: an object goes on with ',' or '}' (column 20)"},
           {query + "\n{\"qid\":2,\"vid\":\"v", "f:2: vid: not valid JSON: a string is not closed (column 18)"},
           {R"({"qid":1,"query":"a","vid":"v","relevant_windows":[[82]]})",
            "f:1: relevant_windows[0]: must be [start, end]"}})
    BOOST_TEST(converted("moments", "f", text) == fault);
  const auto fit = [](const std::string& text) { return looks_like_moments(FileLook(SourceText{"f", text})); };
  BOOST_CHECK(fit(query + "\n" + other) == Fit::kOwn);
  BOOST_CHECK(fit("AX 24.3 30##person turns.\n") == Fit::kOwn);
  BOOST_CHECK(fit(R"({"a":{"timestamps":[[0,1]],"sentences":["x"]}})") == Fit::kOwn);
  BOOST_CHECK(fit(R"({"results":{"a":[{"sentence":"x","timestamp":[1,2]}]}})") == Fit::kOwn);
  BOOST_CHECK(fit(R"({"results":{"a":[{"segment":[1,2]}]}})") == Fit::kNone);
  BOOST_CHECK(fit("AX 24.3 30 person\n") == Fit::kNone);
  BOOST_CHECK(fit("") == Fit::kNone);
}

BOOST_AUTO_TEST_CASE(ego4d_moments) {
  const std::string text =
      R"({"version":"1","videos":[{"video_uid":"V","split":"val","clips":[{"clip_uid":"C","video_start_sec":10,"video_end_sec":490,)"
      R"("annotations":[{"annotator_uid":"A","labels":[{"label":"wash","start_time":1.5,"end_time":2,"primary":true},)"
      R"({"label":"cut","start_time":3,"end_time":4,"primary":false}]}]}]}]})";
  BOOST_TEST(
      converted("ego4d-mq", "m.json", text) ==
      R"({"video":"C","duration":480,"subset":"val","annotations":[{"segment":[1.5,2],"label":"wash","annotator":"A","primary":true},)"
      R"({"segment":[3,4],"label":"cut","annotator":"A","primary":false}],)"
      R"("ego4d":{"video_uid":"V","video_start_sec":10,"video_end_sec":490}})"
      "\n");
  ImportOptions primary;
  primary.where_column = "primary", primary.where_value = "true";
  BOOST_TEST(converted("ego4d-mq", "m.json", text, primary).find("cut") == std::string::npos);
  primary.where_value = "maybe";
  BOOST_TEST(converted("ego4d-mq", "m.json", text, primary).ends_with("--where: no label's 'primary' is 'maybe'"));
  BOOST_TEST(
      converted(
          "ego4d-mq", "c.json",
          R"({"C":{"duration":9,"fps":30,"subset":"val","annotations":[{"label":"a","start_time":1,"end_time":2}]}})") ==
      "{\"video\":\"C\",\"duration\":9,\"fps\":30,\"subset\":\"val\",\"annotations\":[{\"segment\":[1,2],\"label\":"
      "\"a\"}]}\n");
  BOOST_TEST(
      converted("ego4d-mq", "d.json", R"({"detect_results":{"C":[{"label":"a","score":0.5,"segment":[1,2]}]}})") ==
      "{\"video\":\"C\",\"proposals\":[{\"segment\":[1,2],\"score\":0.5,\"label\":\"a\"}]}\n");
  BOOST_TEST(converted("ego4d-mq", "c.json", R"({"C":{"annotations":[{"label":"a","start_time":3,"end_time":2}]}})") ==
             "c.json:1: video 'C': annotations[0]: end 2 is before start 3");
}

BOOST_AUTO_TEST_CASE(charades) {
  const std::string text = "id,scene,script,actions,length\nAB,Kitchen,x,c001 1.5 2;c077 0 9.25,9.0\nCD,Hall,y,,4\n";
  BOOST_TEST(
      converted("charades", "c.csv", text) ==
      R"({"video":"AB","duration":9,"annotations":[{"segment":[1.5,2],"label":"c001"},{"segment":[0,9.25],"label":"c077"}],)"
      R"("charades":{"scene":"Kitchen","script":"x"}})"
      "\n"
      R"({"video":"CD","duration":4,"annotations":[],"charades":{"scene":"Hall","script":"y"}})"
      "\n");
  ImportOptions options;
  options.tables.classes = {{1, "c001 Sitting"}, {77, "Fixing"}};
  BOOST_TEST(converted("charades", "c.csv", text, options)
                 .find(R"("label":"Sitting"},{"segment":[0,9.25],"label":"Fixing"})") != std::string::npos);
  BOOST_TEST(converted("charades", "c.csv", "id,actions\nAB,c001 1\n") ==
             "c.csv:2: video 'AB': actions: must be 'CLASS START END', separated by ';'");

  options.tables.classes.clear(), options.tables.videos["AB"].duration = 50;
  BOOST_TEST(
      converted("charades-results", "s.txt", "AB 1 0.5 0.25\nAB 3 0 1\n", options) ==
      R"({"video":"AB","duration":50,"proposals":[{"at":0,"score":0.5,"label":"c000"},{"at":0,"score":0.25,"label":"c001"},)"
      R"({"at":4,"score":0,"label":"c000"},{"at":4,"score":1,"label":"c001"}]})"
      "\n");
  BOOST_TEST(converted("charades-results", "s.txt", "AB 26 0.5\n", options) ==
             "s.txt:1: video 'AB': point: 26 is not among 1 to 25");
}

BOOST_AUTO_TEST_CASE(tables_of_points_and_clips) {
  BOOST_TEST(
      converted("ava", "a.csv", "v,0902,0.1,0.2,0.3,0.4,12,7\nw,0903,,,,,,\n") ==
      "{\"video\":\"v\",\"annotations\":[{\"at\":902,\"label\":\"12\",\"box\":[0.1,0.2,0.3,0.4],\"person\":7}]}\n"
      "{\"video\":\"w\",\"annotations\":[]}\n");
  BOOST_TEST(
      converted("ava", "a.csv", "v,0902,0.1,0.2,0.3,0.4,12,0.75\n") ==
      "{\"video\":\"v\",\"proposals\":[{\"at\":902,\"score\":0.75,\"label\":\"12\",\"box\":[0.1,0.2,0.3,0.4]}]}\n");
  BOOST_TEST(converted("ava", "a.csv", "v,0902,0.1\n").starts_with("a.csv:1: video 'v': must be 'video,second,"));
  BOOST_TEST(converted("kinetics", "k.csv",
                       "label,youtube_id,time_start,time_end,split,is_cc\nair drumming,abc,10,20,val,1\n") ==
             R"({"video":"abc","subset":"val","annotations":[{"segment":[10,20],"label":"air drumming","is_cc":1}]})"
             "\n");
  BOOST_TEST(
      converted("kinetics", "k.csv", "youtube_id,time_start\na,1\n").find("no column 'time_end', which Kinetics has") !=
      std::string::npos);
  BOOST_TEST(
      converted("multithumos", "m/Walk.txt", "video_test_0000004 1 2\nvideo_validation_0000001 3 4.5\n") ==
      R"({"video":"video_test_0000004","subset":"test","annotations":[{"segment":[1,2],"label":"Walk"}]})"
      "\n"
      R"({"video":"video_validation_0000001","subset":"validation","annotations":[{"segment":[3,4.5],"label":"Walk"}]})"
      "\n");
}

BOOST_AUTO_TEST_CASE(hacs_clips) {
  const std::string head = "classname,youtube_id,subset,start,end,label\n";
  BOOST_TEST(converted("hacs-clips", "h.csv",
                       head + "Archery,a2X-1,training,15.5,17.5,1\nArchery,b,training,77.5,79.5,-1\n"
                              "Long jump,a2X-1,training,1,3,1\n,c,testing,4,6,\n") ==
             R"({"video":"a2X-1","subset":"training","annotations":[{"segment":[15.5,17.5],"label":"Archery"},)"
             R"({"segment":[1,3],"label":"Long jump"}]})"
             "\n"
             R"({"video":"b","subset":"training","annotations":[]})"
             "\n"
             R"({"video":"c","subset":"testing","annotations":[{"segment":[4,6]}]})"
             "\n");
  BOOST_TEST(converted("hacs-clips", "h.csv", head + "Archery,a,training,1,3,0\n") ==
             "h.csv:2: video 'a': label: '0' is neither 1 (the clip shows the class) nor -1 (it does not)");
}

BOOST_AUTO_TEST_CASE(audioset) {
  const std::string head =
      "# Segments csv created Sun Mar  5 10:54:31 2017\n"
      "# num_ytids=2, num_segs=2, num_unique_labels=3, num_positive_labels=4\n"
      "# YTID, start_seconds, end_seconds, positive_labels\n";
  BOOST_TEST(
      converted("audioset", "eval_segments.csv",
                head + "--PJHx-Es, 30.000, 40.000, \"/m/09x0r,/t/dd00088\"\n-0.mp4, 0.000, 9.500, \"/m/0k4j\"\n") ==
      R"({"video":"--PJHx-Es","annotations":[{"segment":[30,40],"label":"/m/09x0r"},)"
      R"({"segment":[30,40],"label":"/t/dd00088"}]})"
      "\n"
      R"({"video":"-0.mp4","annotations":[{"segment":[0,9.5],"label":"/m/0k4j"}]})"
      "\n");
  BOOST_TEST(converted("audioset", "e.csv", head + "a, 1, 2, \"\"\n")
                 .starts_with("e.csv:4: video 'a': positive_labels: "
                              "empty"));
}

BOOST_AUTO_TEST_CASE(crosstask) {
  BOOST_TEST(converted("crosstask", "annotations/23521_LSDg_1w.csv", "1,4.5,9\n3,20,31.25\n") ==
             R"({"video":"LSDg_1w","annotations":[{"segment":[4.5,9],"label":"23521:1"},)"
             R"({"segment":[20,31.25],"label":"23521:3"}]})"
             "\n");
  BOOST_TEST(converted("crosstask", "23521_v.csv", "1,4.5,9\n0,20,31.25\n") ==
             "23521_v.csv:2: video 'v': step: steps are numbered from 1");
  BOOST_TEST(converted("crosstask", "steps.csv", "1,4.5,9\n").starts_with("steps.csv: a file of CrossTask is called"));
}

BOOST_AUTO_TEST_CASE(keysteps) {
  BOOST_TEST(
      converted("keysteps", "k.json",
                R"({"annotations":{"3b-1":{"take_name":"cook_1","scenario":"Omelet","segments":[)"
                R"({"start_time":3.25,"end_time":8,"step_name":"Get eggs","step_unique_id":83,"is_essential":true}]}},)"
                R"("taxonomy":{}})") ==
      R"({"video":"3b-1","take":{"take_name":"cook_1","scenario":"Omelet"},"annotations":[)"
      R"({"segment":[3.25,8],"label":"Get eggs","step_unique_id":83,"is_essential":true}]})"
      "\n");
  BOOST_TEST(
      converted("keysteps", "k.json", R"({"annotations":{"a":{"segments":[{"start_time":3,"step_name":"x"}]}}})") ==
      "k.json:1: video 'a': segments[0].end_time: missing");
}

BOOST_AUTO_TEST_CASE(egtea_gaze) {
  BOOST_TEST(
      converted("segments-csv", "action_labels.csv",
                "# Clip ID (Unique, used only internally); Clip Prefix (Unique); Video Session; Starting Time (ms);"
                " Ending Time (ms); Action Label; Verb Label; Noun Label(s)\n"
                "1; P05-R01-PastaSalad-583261-586055; P05-R01-PastaSalad; 583261; 586055; Cut tomato; Cut; tomato\n"
                "2; P07-R01-PastaSalad-9173-9500; P07-R01-PastaSalad; 9173; 9500; Mix egg, oil; Mix; egg,oil\n") ==
      R"({"video":"P05-R01-PastaSalad","annotations":[{"segment":[583.261,586.055],"label":"Cut tomato"}]})"
      "\n"
      R"({"video":"P07-R01-PastaSalad","annotations":[{"segment":[9.173,9.5],"label":"Mix egg, oil"}]})"
      "\n");
}

BOOST_AUTO_TEST_CASE(a_sentence_as_the_label) {
  const std::string text =
      R"({"database":{"v":{"duration":9,"annotations":[{"segment":[1,2],"id":0,"sentence":"cut it"}]}}})";
  ImportOptions options;
  BOOST_TEST(converted("activitynet-gt", "y.json", text) ==
             R"({"video":"v","duration":9,"annotations":[{"segment":[1,2],"id":0,"sentence":"cut it"}]})"
             "\n");
  options.columns["label"] = "sentence";
  BOOST_TEST(converted("activitynet-gt", "y.json", text, options) ==
             R"({"video":"v","duration":9,"annotations":[{"segment":[1,2],"label":"cut it","id":0}]})"
             "\n");
  options.columns["label"] = "phrase";
  BOOST_TEST(converted("activitynet-gt", "y.json", text, options) ==
             "y.json:1: video 'v': annotations[0].phrase: missing");
}

BOOST_AUTO_TEST_CASE(coco_segments) {
  const std::string head =
      R"({"videos":[{"id":1,"file_name":"a/v.mp4","duration":9,"fps":25,"url":"u"},{"id":2,"file_name":"w.mp4"}],)"
      R"("categories":[{"id":3,"name":"run"}],"annotations":[)";
  BOOST_TEST(
      converted(
          "coco-segments", "c.json",
          head +
              R"({"id":7,"video_id":1,"category_id":3,"segment":[1,2],"crowd":0},{"id":8,"video_id":1,"start":3,"end":4,"label":"x"}]})") ==
      R"({"video":"v","duration":9,"fps":25,"annotations":[{"segment":[1,2],"label":"run","crowd":0},{"segment":[3,4],"label":"x"}],)"
      R"("coco":{"file_name":"a/v.mp4","url":"u"}})"
      "\n"
      R"({"video":"w","annotations":[],"coco":{"file_name":"w.mp4"}})"
      "\n");
  BOOST_TEST(converted("coco-segments", "c.json", head + R"({"video_id":4,"category_id":3,"segment":[1,2]}]})") ==
             "c.json:1: annotations[0].video_id: '4' is none of the videos (column 157)");
  BOOST_TEST(
      converted("coco-segments", "r.json", R"([{"video_id":"v","category_id":3,"segment":[1,2],"score":0.5}])") ==
      "{\"video\":\"v\",\"proposals\":[{\"segment\":[1,2],\"score\":0.5,\"label\":\"3\"}]}\n");
}

BOOST_AUTO_TEST_SUITE_END()
