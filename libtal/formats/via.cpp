// VGG Image Annotator 3: projects (JSON) and its csv export. An entry with two times is a segment, with one a frame;
// its attributes' values are texts or keys of their options.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/json_parts.h"
#include "libtal/formats/tool_rows.h"
#include "libtal/io/digits.h"

namespace tal {
namespace {

// The tool's own numbers.
constexpr int kText = 1, kCheckbox = 2, kSelect = 4, kVideo = 4, kAudio = 8, kLocal = 1, kAddress = 2, kFileAddress = 3;

struct ViaAttribute {
  std::string name;
  int type = 0;
  std::map<std::string, std::string> options;

  // Of a checkbox the keys that are chosen have commas between them; none: no label.
  std::vector<std::string> labels(const std::string& value) const {
    std::vector<std::string> out;
    for (std::string_view rest = value; !rest.empty();) {
      const auto end = type == kCheckbox ? std::min(rest.find(','), rest.size()) : rest.size();
      if (std::string label = option(std::string(rest.substr(0, end))); !label.empty()) out.push_back(std::move(label));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
  }

 private:
  bool keys_count() const {
    return !options.empty() &&
           std::all_of(options.begin(), options.end(), [](const auto& each) { return is_digits(each.first); });
  }
  std::string option(const std::string& key) const {
    const auto found = options.find(key);
    // A text that is no key is a label that was typed, as in the tool's own timeline; a number among numbers is not.
    if (found == options.end() && type != kText && is_digits(key) && keys_count())
      throw Error("'" + key + "' is none of the options of the attribute '" + name + "'");
    return found == options.end() || found->second.empty() ? key : found->second;
  }
};
using ViaAttributes = std::map<std::string, ViaAttribute>;

ViaAttributes parse_attributes(const JsonNode& node) {
  ViaAttributes out;
  for (const auto& [id, attribute] : node.members()) {
    auto& one = out[id];
    if (const auto name = attribute.find("aname")) one.name = name->words();
    if (const auto type = attribute.find("type")) one.type = static_cast<int>(type->number());
    if (const auto options = attribute.find("options"); options && options->is_object())
      for (const auto& [key, text] : options->members()) one.options[key] = text.words();
  }
  return out;
}

// One entry: an event for each time and each value of an attribute.
void add_entry(const std::string& id, const JsonNode& z, const JsonNode* av, const ViaAttributes& attributes,
               const std::string& xy, VideoRows::Entry& entry, ToolRows& rows) {
  std::vector<double> times;
  for (const auto& time : z.items()) times.push_back(time.number());
  std::vector<std::pair<std::string, std::string>> labels;  // tier, label
  const auto labels_in = [&](const ViaAttribute& attribute, const JsonNode& value) {
    try {
      return attribute.labels(value.words());
    } catch (Error& error) {
      throw error.at_field(value.path());
    }
  };
  std::vector<std::string> unlabelled;  // tiers of attributes without a value
  if (av)
    for (const auto& [key, value] : av->members()) {
      const auto known = attributes.find(key);
      const auto read = labels_in(known == attributes.end() ? ViaAttribute() : known->second, value);
      const std::string& tier = known == attributes.end() || known->second.name.empty() ? key : known->second.name;
      if (read.empty()) unlabelled.push_back(tier);
      for (const auto& label : read) labels.emplace_back(tier, label);
    }
  if (times.empty()) {
    if (xy.empty())
      for (const auto& [tier, label] : labels) rows.whole(entry, label);
    else rows.leave_out("region without a time", "regions without a time", "'" + id + "' of '" + entry.video + "'");
    return;
  }
  ToolEvent event;
  Members members;
  members.text("id", id);
  if (!xy.empty()) members.json("xy", xy);
  event.members = members.str();
  event.point = times.size() != 2;
  if (labels.empty()) {
    const bool one = attributes.size() == 1 && !attributes.begin()->second.name.empty();
    labels.emplace_back(one ? attributes.begin()->second.name : unlabelled.size() == 1 ? unlabelled.front() : "", "");
  }
  for (std::size_t i = 0; i < (event.point ? times.size() : 1); ++i)
    for (const auto& [tier, label] : labels) {
      event.segment = {times[i], event.point ? times[i] : times[1]};
      event.label = label, event.tier = tier;
      rows.add(entry, event, z.path());
    }
}

// Spatial coordinates beside the times, as JSON; "": none.
std::string region(const JsonNode& holder) { return holder.is_list() && !holder.items().empty() ? holder.json() : ""; }

using Facts = std::vector<std::pair<std::string, std::string>>;  // as ToolRows::kept_facts() takes them
Facts facts_of(const JsonNode& object) {
  Facts facts;
  for (const auto& [name, value] : object.members())
    if (name.starts_with(kFactPrefix)) facts.emplace_back(name, value.words());
  return facts;
}

class ViaProject {
 public:
  ViaProject(const SourceText& source, const ImportOptions& options, const ImportSink& sink, ToolRows& rows)
      : tree_(source), source_(source), options_(options), sink_(sink), rows_(rows) {}

  void read() {
    try {
      const JsonNode root = tree_.root();
      const auto attributes = parse_attributes(root.at("attribute"));
      for (const auto& [id, file] : root.at("file").members()) {
        const auto stated = file.find(kVideoMember);
        const std::string name = file.at("fname").words();
        const std::string own = stated ? stated->words() : id_by_address(file, name);
        files_.emplace(id, File{name, media_in(file, name), own, facts_of(file)});
        if (!stated) same_names_[name].push_back(id);
      }
      for (const auto& [name, ids] : same_names_)
        if (ids.size() > 1 && files_.at(ids[0]).stated.empty())
          sink_.note(source_.name + ": the files " + joined_first(ids, 4) + " are all called '" + name +
                     "', and are taken for one video");
      if (const auto views = root.find("view"))
        for (const auto& [id, view] : views->members()) {
          const auto list = view.at("fid_list").items();
          if (!list.empty()) first_files_.emplace(id, list[0].words());
          for (std::size_t i = 1; i < list.size(); ++i)
            rows_.leave_out("further file of a view", "further files of views", "of view '" + id + "'");
        }
      for (const auto& [id, entry] : root.at("metadata").members()) {
        try {
          const auto av = entry.find("av"), xy = entry.find("xy");
          add_entry(id, entry.at("z"), av ? &*av : nullptr, attributes, xy ? region(*xy) : "",
                    video(entry.at("vid").words(), entry), rows_);
        } catch (const Error& error) {
          sink_.error(tree_.placed(error), entry.json());
        }
      }
      // Files without an entry have no segment.
      if (const auto views = root.find("view"))
        for (const auto& [id, view] : views->members()) (void)video(id, view);
    } catch (const Error& error) {
      throw tree_.placed(error);
    }
  }

 private:
  static std::string address_in(const JsonNode& file) {
    const auto source = file.find("src");
    return source && source->is_text() ? source->text() : "";
  }
  // The address of a file of the net, where it is that of the name.
  static std::string media_in(const JsonNode& file, const std::string& name) {
    const auto place = file.find("loc");
    const std::string address = address_in(file);
    const bool net = place && place->words() == std::to_string(kAddress) && address.find("://") != std::string::npos;
    return net && !address.starts_with("data:") && video_id(address) == video_id(name) ? address : name;
  }
  // The id by the address of a file, where it has one beside its name: files of one name at different places are
  // several.
  std::string id_by_address(const JsonNode& file, const std::string& name) const {
    const std::string address = address_in(file);
    if (address.starts_with("data:") || address == name || video_id(address) != video_id(name)) return "";
    return one_id(address, *options_.ids, source_.name);
  }
  // A view shows one or more files, of which the first counts.
  VideoRows::Entry& video(const std::string& view, const JsonNode& at) {
    const auto shown = first_files_.find(view);
    const auto file = files_.find(shown == first_files_.end() ? view : shown->second);
    if (file == files_.end()) throw Error("there is no file for '" + view + "'").at_field(at.path());
    auto& entry = rows_.video(file->second.media, file_stem(source_, {".json"}), source_, 0, file->second.stated);
    rows_.kept_facts(entry, file->second.facts, source_.name);
    return entry;
  }

  const JsonTree tree_;
  const SourceText& source_;
  const ImportOptions& options_;
  const ImportSink& sink_;
  ToolRows& rows_;
  struct File {
    std::string name, media, stated;  // stated: its id
    Facts facts;
  };
  std::map<std::string, File> files_;
  std::map<std::string, std::vector<std::string>> same_names_;  // numbers of files by their names
  std::map<std::string, std::string> first_files_;              // by view
};

// Comment lines with the attributes and the header, then rows whose cells hold JSON.
void read_via_csv(const SourceText& source, const ImportSink& sink, ToolRows& rows) {
  std::string_view text = utf8_text(source);
  ViaAttributes attributes;
  std::map<std::string, std::string> stated;  // ids by the files' names
  std::map<std::string, Facts> facts;
  std::uint64_t line = 1;
  while (text.starts_with('#')) {
    const auto comment = take_line(text);
    constexpr std::string_view kAttributes = "# ATTRIBUTE = ", kVideos = "# TAL_VIDEO = ", kFacts = "# TAL_FACTS = ";
    const auto json_of = [&](std::string_view name, const auto& take) {
      if (!comment.starts_with(name)) return;
      const SourceText json{source.name, std::string(comment.substr(name.size()))};
      try {
        const JsonTree tree(json);
        take(tree.root());
      } catch (const Error& error) {
        throw Error(error.message()).at_field(std::string(name.substr(2, name.size() - 5))).at_line(source.name, line);
      }
    };
    json_of(kAttributes, [&](const JsonNode& root) { attributes = parse_attributes(root); });
    json_of(kVideos, [&](const JsonNode& root) {
      for (const auto& [file, id] : root.members()) stated[file] = id.text();
    });
    json_of(kFacts, [&](const JsonNode& root) {
      for (const auto& [file, members] : root.members()) facts[file] = facts_of(members);
    });
    ++line;
  }
  RowReader reader(text, source.name, ',', line);
  while (reader.next())
    guard_row(source, reader.line(), "", reader.raw(), sink, [&] {
      const auto fields = reader.fields();
      if (fields.size() == 6 && fields[0] == "metadata_id") return;
      if (fields.size() != 6)
        throw Error(std::to_string(fields.size()) +
                    " fields, not metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata");
      static constexpr const char* kNames[] = {"file_list", "temporal_coordinates", "spatial_coordinates", "metadata"};
      const SourceText cells[] = {{"", std::string(fields[1])},
                                  {"", std::string(fields[3])},
                                  {"", std::string(fields[4])},
                                  {"", std::string(fields[5])}};
      std::vector<std::unique_ptr<JsonTree>> trees;
      for (std::size_t i = 0; i < 4; ++i) try {
          trees.push_back(std::make_unique<JsonTree>(cells[i]));
        } catch (const Error& error) {
          throw Error(error.message()).at_field(kNames[i]);
        }
      const auto files = trees[0]->root().is_list() ? trees[0]->root().items() : std::vector<JsonNode>();
      if (files.empty()) throw Error("must be a list of files").at_field("file_list");
      const auto known = stated.find(files[0].words());
      auto& entry = rows.video(files[0].words(), file_stem(source, {".csv"}), source, 0,
                               known == stated.end() ? "" : known->second);
      if (const auto said = facts.find(files[0].words()); said != facts.end())
        rows.kept_facts(entry, said->second, source.name);
      try {
        const JsonNode av = trees[3]->root();
        add_entry(std::string(fields[0]), trees[1]->root(), av.is_object() ? &av : nullptr, attributes,
                  region(trees[2]->root()), entry, rows);
      } catch (Error& error) {
        throw error.at_field("temporal_coordinates").at_video(entry.video);
      }
    });
}

// One project of all videos, or its csv export. Attributes are the rows' tiers, their options the labels; rows of one
// id, tier and time are one entry with several, whose attribute is then a checkbox.
class ViaWriter : public SegmentWriter {
 public:
  ViaWriter(const ExportOptions& options, bool csv) : SegmentWriter(options, "entry", Points::kTaken), csv_(csv) {}
  void end(std::string& out) override {
    for (auto& entry : metadata_)
      for (auto& [attribute, value] : entry["av"].items())
        value = tiers_[static_cast<std::size_t>(std::stoul(attribute)) - 1].value_of(value);
    csv_ ? write_csv(out) : write_project(out);
  }

 private:
  nlohmann::ordered_json attributes() {
    nlohmann::ordered_json attributes = nlohmann::ordered_json::object();
    for (std::size_t a = 0; a < tiers_.size(); ++a)
      attributes[std::to_string(a + 1)] = {{"aname", tiers_[a].name},
                                           {"anchor_id", tiers_[a].anchor},
                                           {"type", tiers_[a].several ? kCheckbox : kSelect},
                                           {"desc", ""},
                                           {"options", tiers_[a].options()},
                                           {"default_option_id", ""}};
    return attributes;
  }
  static std::string text(const nlohmann::ordered_json& value) {
    return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }
  // As the tool's own export lays it out, without its notes.
  void write_csv(std::string& out) {
    out += "# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)\n";
    out += "# ATTRIBUTE = " + text(attributes()) + "\n";
    if (!stated_.empty()) out += "# TAL_VIDEO = " + text(stated_) + "\n";
    if (!facts_.empty()) out += "# TAL_FACTS = " + text(facts_) + "\n";
    out += "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n";
    const auto cell = [](const std::string& value) {
      std::string quoted = "\"";
      for (const char c : value) quoted += c == '"' ? "\"\"" : std::string(1, c);
      return quoted + '"';
    };
    for (const auto& [id, entry] : metadata_.items())
      out += cell(id) + ',' +
             cell(text(nlohmann::ordered_json::array({files_[entry["vid"].get<std::string>()]["fname"]}))) + ",0," +
             cell(text(entry["z"])) + ',' + cell(text(entry["xy"])) + ',' + cell(text(entry["av"])) + '\n';
  }
  void write_project(std::string& out) {
    nlohmann::ordered_json project;
    project["project"] = {{"pid", "__VIA_PROJECT_ID__"},
                          {"rev", "__VIA_PROJECT_REV_ID__"},
                          {"rev_timestamp", "__VIA_PROJECT_REV_TIMESTAMP__"},
                          {"pname", "tal"},
                          {"creator", "VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)"},
                          {"created", 0},
                          {"vid_list", std::move(views_)}};
    project["config"] = {{"file", {{"loc_prefix", {{"1", ""}, {"2", ""}, {"3", ""}, {"4", ""}}}}},
                         {"ui",
                          {{"file_content_align", "center"},
                           {"file_metadata_editor_visible", true},
                           {"spatial_metadata_editor_visible", true},
                           {"temporal_segment_metadata_editor_visible", true},
                           {"spatial_region_label_attribute_id", ""},
                           {"gtimeline_visible_row_count", "4"}}}};
    project["attribute"] = attributes();
    project["file"] = std::move(files_);
    project["metadata"] = std::move(metadata_);
    project["view"] = std::move(view_);
    out += text(project) + '\n';
  }

 protected:
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string&) override {
    const std::string id = std::to_string(views_.size() + 1);
    const std::string media = media_of(record);
    if (const auto [user, fresh] = users_.try_emplace(media, record.video()); csv_ && !fresh)
      throw Error("is the media of video '" + user->second + "' too, and the csv export names a video by its media")
          .at_field("media")
          .at_video(record.video());
    views_.push_back(id);
    const bool address = media.find("://") != std::string::npos;
    const int place = !address ? kLocal : media.starts_with("file://") ? kFileAddress : kAddress;
    files_[id] = {{"fid", id},
                  {"fname", media},
                  {"type", is_sound(media) ? kAudio : kVideo},
                  {"loc", place},
                  {"src", address ? media : ""}};
    if (!names_video(record, media)) files_[id][kVideoMember] = stated_[media] = record.video();
    for (const auto& [name, value] : kept_facts(record)) files_[id][name] = facts_[media][name] = value;
    view_[id] = {{"fid_list", nlohmann::ordered_json::array({id})}};
    const RowMembers& members = this->members();
    if (holds_classes(record)) write_classes(record, id);
    std::map<std::string, std::size_t> same;  // id, tier and time of rows -> their entry's number
    for (const auto& row : rows) {
      const std::string tier = members.text(row, "tier").value_or("TEMPORAL-SEGMENTS");
      nlohmann::ordered_json z = nlohmann::ordered_json::array({row.segment.start});
      if (!row.point) z.push_back(row.segment.end);
      nlohmann::ordered_json av = nlohmann::ordered_json::object();
      auto region = region_of(members, row);
      const std::string anchor = std::string(row.point ? "FILE1_Z1" : "FILE1_Z2") + (region.empty() ? "_XY0" : "_XY1");
      const std::size_t number = attribute_of(tier, anchor, row.label);
      const std::string attribute = std::to_string(number + 1);
      if (const auto own = members.text(row, "id"); own && !row.label.empty()) {
        const auto key = text({*own, attribute, row.segment.start, row.segment.end});
        const auto [entry, fresh] = same.emplace(key, metadata_.size());
        if (!fresh && add_label(entry->second, attribute, row.label)) {
          tiers_[number].several = true;
          continue;
        }
        entry->second = metadata_.size();
      }
      if (!row.label.empty() || members.text(row, "tier")) av[attribute] = labels_of({row.label});
      add_entry_of(id, std::move(z), std::move(region), std::move(av));
    }
  }

 private:
  using Json = nlohmann::ordered_json;
  // An attribute; its labels are its options, which a checkbox calls by keys without commas.
  struct Tier {
    std::string name, anchor;
    bool several = false;
    std::vector<std::string> labels = {};
    std::map<std::string, std::size_t> places = {};  // in labels

    std::string key(const std::string& label) const {
      if (!several || label.find(',') == std::string::npos) return label;
      std::string key = std::to_string(places.at(label));
      while (places.count(key) > 0) key += '_';
      return key;
    }
    Json options() const {
      Json out = Json::object();
      for (const auto& label : labels) out[key(label)] = label;
      return out;
    }
    std::string value_of(const Json& chosen) const {
      std::string out;
      for (const auto& label : chosen) out += (out.empty() ? "" : ",") + key(label.get<std::string>());
      return out;
    }
  };
  static Json labels_of(const std::vector<std::string>& labels) {
    Json out = Json::array();
    for (const auto& label : labels)
      if (!label.empty()) out.push_back(label);
    return out;
  }
  std::size_t attribute_of(const std::string& name, const std::string& anchor, const std::string& label) {
    auto found =
        std::find_if(tiers_.begin(), tiers_.end(), [&](const Tier& t) { return t.name == name && t.anchor == anchor; });
    if (found == tiers_.end()) found = tiers_.insert(tiers_.end(), Tier{name, anchor});
    if (!label.empty() && found->places.emplace(label, found->labels.size()).second) found->labels.push_back(label);
    return static_cast<std::size_t>(found - tiers_.begin());
  }
  void add_entry_of(const std::string& view, Json z, Json region, Json av) {
    char key[32];
    std::snprintf(key, sizeof key, "_%08zu", metadata_.size() + 1);
    metadata_.get_ref<Json::object_t&>().emplace_back(  // operator[] looks at all before
        view + key,
        Json{{"vid", view}, {"flg", 0}, {"z", std::move(z)}, {"xy", std::move(region)}, {"av", std::move(av)}});
  }
  // Whether the entry got it: it has no label twice.
  bool add_label(std::size_t entry, const std::string& attribute, const std::string& label) {
    auto& chosen =
        (metadata_.get_ref<Json::object_t&>().begin() + static_cast<std::ptrdiff_t>(entry))->second["av"][attribute];
    if (std::find(chosen.begin(), chosen.end(), label) != chosen.end()) return false;
    chosen.push_back(label);
    return true;
  }
  // Labels of the whole file, which have no scores there.
  static bool holds_classes(const Record& record) {
    const auto classes = record.has("classification") ? record.classification() : std::vector<ClassScore>();
    return !classes.empty() && std::all_of(classes.begin(), classes.end(), [](const auto& c) { return c.score == 1; });
  }
  void write_classes(const Record& record, const std::string& view) {
    std::vector<std::string> labels;
    std::size_t number = 0;
    for (const auto& each : record.classification())
      number = attribute_of("classification", "FILE1_Z0_XY0", each.label), labels.push_back(each.label);
    tiers_[number].several = tiers_[number].several || labels.size() > 1;
    add_entry_of(view, Json::array(), Json::array(), {{std::to_string(number + 1), labels_of(labels)}});
  }

  bool holds_scores() const override { return false; }
  Held holds(std::string_view member) const override {
    return member == "tier" ? Held::kText : member == "xy" ? Held::kAll : Held::kNo;
  }
  bool holds_of_video(const Record& record, std::string_view member) const override {
    if (member == "classification") return holds_classes(record);
    return is_kept_fact(member) || member == "media" || (member == "path" && !record.has("media"));
  }
  static nlohmann::ordered_json region_of(const RowMembers& members, const ExportRow& row) {
    auto region = nlohmann::ordered_json::parse(members.json(row, "xy").value_or("[]"));
    return region.is_array() ? region : nlohmann::ordered_json::array();
  }

  bool csv_;
  std::map<std::string, std::string> users_;                          // videos by their media
  nlohmann::ordered_json stated_ = nlohmann::ordered_json::object();  // ids by media that does not give them
  nlohmann::ordered_json facts_ = stated_;                            // kept_facts() by media
  std::vector<Tier> tiers_;
  std::vector<std::string> views_;
  nlohmann::ordered_json files_ = nlohmann::ordered_json::object(), view_ = files_, metadata_ = files_;
};

}  // namespace

void read_via(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  for (const auto& source : sources) {
    if (first_character(utf8_text(source)) == '{') ViaProject(source, options, sink, rows).read();
    else read_via_csv(source, sink, rows);
  }
  rows.emit();
}

std::unique_ptr<ExportWriter> make_via_writer(const ExportOptions& options) {
  return std::make_unique<ViaWriter>(options, false);
}
std::unique_ptr<ExportWriter> make_via_csv_writer(const ExportOptions& options) {
  return std::make_unique<ViaWriter>(options, true);
}

}  // namespace tal
