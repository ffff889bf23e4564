// ELAN's annotation documents (.eaf), as the schema of EAF 2.3 to 3.0 has them. Times are milliseconds; a time slot may
// be without one, and an annotation may have no slots but those of the annotation that it refers to.
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <unordered_map>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/base/xml.h"
#include "libtal/formats/export_support.h"
#include "libtal/formats/time_marks.h"
#include "libtal/formats/tool_rows.h"
#include "libtal/formats/xml_parts.h"

namespace tal {
namespace {

// The property that says which tier one with a name of its own is a part of: "tal_tier:gesture 2".
constexpr std::string_view kTierMember = "tal_tier:";
// And which document a tier is of, where several were joined.
constexpr std::string_view kDocumentMember = "tal_document:";

const std::initializer_list<std::string_view> kElanEndings = {".eaf", ".xml"};

class ElanReader {
 public:
  // TIME_ORIGIN in milliseconds, and the first file that says so, by video.
  using Origins = std::map<std::string, std::pair<double, std::string>>;
  ElanReader(const SourceText& source, const ImportSink& sink, ToolRows& rows, Origins& origins)
      : source_(source), sink_(sink), rows_(rows), origins_(origins), file_(source, "ANNOTATION_DOCUMENT") {}

  // What the header says: the video.
  VideoRows::Entry& read_header() {
    const auto header = file_.root().child("HEADER");
    const std::string units = header.attribute("TIME_UNITS").value();
    if (!units.empty() && units != "milliseconds")
      throw file_.at(Error("times are in '" + units + "', only milliseconds are read").at_field("HEADER.TIME_UNITS"),
                     header);
    entry_ = &video(header);
    return *entry_;
  }
  // document: the name that tells it from others of the same video; "": there are none.
  void read(const std::string& document) {
    auto& entry = *entry_;
    document_ = document;
    read_slots();
    for (const auto& tier : file_.root().children("TIER")) {
      read_tier(tier);
      if (tier.attribute("PARENT_REF"))
        rows_.leave_out("parent of a tier", "parents of tiers",
                        "that of '" + std::string(tier.attribute("TIER_ID").value()) + "' in " + source_.name);
      if (!tier.child("ANNOTATION")) rows_.empty_tier(tier.attribute("TIER_ID").value(), source_);
    }
    for (const auto& words : file_.root().children("CONTROLLED_VOCABULARY"))
      rows_.leave_out("controlled vocabulary", "controlled vocabularies",
                      "'" + std::string(words.attribute("CV_ID").value()) + "' of " + source_.name);
    order_parts();
    for (auto& annotation : annotations_) {
      try {
        const Segment time = place(annotation, 0);
        ToolEvent event{{time.start / 1000, time.end / 1000}, annotation.label, annotation.tier};
        event.members = annotation.members;
        rows_.add(entry, event, annotation.id);
      } catch (Error& error) {
        sink_.error(file_.at(error.at_video(entry.video), annotation.node), annotation.label);
      }
    }
  }

 private:
  struct Slot {
    std::optional<double> time;  // milliseconds
    std::size_t rank;            // in TIME_ORDER
  };
  struct AnnotationItem {
    pugi::xml_node node;
    std::string id, tier, label;
    std::string members;           // of its tier
    std::string start, end;        // slots, or
    std::string parent, previous;  // the annotation referred to, and the part before this one
    std::size_t part = 0, parts = 1;
    bool placing = false;
    std::optional<Segment> time = {};
  };
  using Chain = std::unordered_map<std::string, const AnnotationItem*>;  // of a tier, by slot

  void leave_out_medium(const std::string& name) {
    rows_.leave_out("further medium", "further media", "'" + name + "' of " + source_.name);
  }
  // The video that the header names first, else its first sound.
  VideoRows::Entry& video(const pugi::xml_node& header) {
    std::string media, sound;
    double origin = 0;
    for (const auto& each : header.children("MEDIA_DESCRIPTOR")) {
      std::string name = each.attribute("MEDIA_URL").value();
      if (name.empty()) name = each.attribute("RELATIVE_MEDIA_URL").value();
      if (name.empty()) continue;
      auto& place = std::string_view(each.attribute("MIME_TYPE").value()).starts_with("video") ? media : sound;
      if (!place.empty()) {
        leave_out_medium(name);
        continue;
      }
      place = name;
      if (each.attribute("TIME_ORIGIN") && (&place == &media || media.empty()))
        origin = file_.number(each, "TIME_ORIGIN");
    }
    if (media.empty()) media = sound;
    else if (!sound.empty()) leave_out_medium(sound);
    if (media.empty()) media = header.attribute("MEDIA_FILE").value();
    std::string stated;
    std::vector<std::pair<std::string, std::string>> facts;
    for (const auto& each : header.children("PROPERTY")) {
      const std::string_view name = each.attribute("NAME").value();
      if (name == kVideoMember) stated = each.text().get();
      else if (name.starts_with(kDocumentMember))
        documents_.emplace(name.substr(kDocumentMember.size()), each.text().get());
      else if (name.starts_with(kTierMember)) tiers_.emplace(name.substr(kTierMember.size()), each.text().get());
      else facts.emplace_back(name, each.text().get());
    }
    auto& entry = rows_.video(media, file_stem(source_, kElanEndings), source_, 0, stated);
    try {
      rows_.kept_facts(entry, facts, source_.name);
    } catch (Error& error) {
      throw file_.at(error.at_video(entry.video), header);
    }
    const auto [first, fresh] = origins_.try_emplace(entry.video, origin, source_.name);
    if (!fresh && first->second.first != origin)
      throw file_.at(Error("is " + format_number(origin) + " ms, but " + format_number(first->second.first) + " in '" +
                           first->second.second + "': the times of one video would be of two clocks")
                         .at_field("TIME_ORIGIN")
                         .at_video(entry.video),
                     header);
    if (origin != 0) {
      if (entry.further.size() < 2) entry.further.emplace_back("time_origin", format_number(origin / 1000));
      sink_.note(source_.name + ": the time 0 of the annotations is at " + format_number(origin / 1000) +
                 " s of the media (TIME_ORIGIN); times stay as the file has them, the member time_origin says this");
    }
    return entry;
  }

  void read_slots() {
    for (const auto& slot : file_.root().child("TIME_ORDER").children("TIME_SLOT")) {
      std::optional<double> time;
      if (slot.attribute("TIME_VALUE")) time = file_.number(slot, "TIME_VALUE");
      const auto id = file_.required(slot, "TIME_SLOT_ID");
      if (!slots_.emplace(id, Slot{time, order_.size()}).second)
        throw file_.at(Error("the time slot '" + id + "' stands twice"), slot);
      order_.push_back(time);
    }
  }

  void read_tier(const pugi::xml_node& tier) {
    std::string name = file_.required(tier, "TIER_ID");
    const auto own = documents_.find(name);
    if (const auto of = tiers_.find(name); of != tiers_.end()) name = of->second;
    const std::string whose = Members()
                                  .some("subject", tier.attribute("PARTICIPANT").value())
                                  .some("annotator", tier.attribute("ANNOTATOR").value())
                                  .some("document", own == documents_.end() ? document_ : own->second)
                                  .str();
    for (const auto& holder : tier.children("ANNOTATION")) {
      const auto node = holder.first_child();
      AnnotationItem item{node, file_.required(node, "ANNOTATION_ID"), name,
                          XmlFile::text(node.child("ANNOTATION_VALUE")), whose};
      if (std::string_view(node.name()) == "ALIGNABLE_ANNOTATION") {
        item.start = slot(node, "TIME_SLOT_REF1"), item.end = slot(node, "TIME_SLOT_REF2");
      } else if (std::string_view(node.name()) == "REF_ANNOTATION") {
        item.parent = file_.required(node, "ANNOTATION_REF");
        item.previous = node.attribute("PREVIOUS_ANNOTATION").value();
      } else {
        throw file_.at(Error("<" + std::string(node.name()) + "> is no annotation of ELAN").at_field(name), node);
      }
      if (!by_id_.emplace(item.id, annotations_.size()).second)
        throw file_.at(Error("the annotation '" + item.id + "' stands twice").at_field(name), node);
      annotations_.push_back(std::move(item));
    }
  }

  std::string slot(const pugi::xml_node& node, const char* attribute) const {
    std::string id = file_.required(node, attribute);
    if (!slots_.count(id))
      throw file_.at(Error("there is no time slot '" + id + "'").at_field(std::string(node.name()) + "." + attribute),
                     node);
    return id;
  }

  // The parts that one tier makes of one annotation, in the order that PREVIOUS_ANNOTATION tells, share its interval.
  void order_parts() {
    std::map<std::pair<std::string, std::string>, std::vector<std::size_t>> groups;
    for (std::size_t i = 0; i < annotations_.size(); ++i)
      if (!annotations_[i].parent.empty()) groups[{annotations_[i].tier, annotations_[i].parent}].push_back(i);
    for (const auto& [key, members] : groups) {
      std::unordered_map<std::string, std::vector<std::size_t>> behind;  // by the one before; "": the first ones
      for (const std::size_t i : members) {
        const auto before = by_id_.find(annotations_[i].previous);
        const bool here = before != by_id_.end() && annotations_[before->second].tier == annotations_[i].tier &&
                          annotations_[before->second].parent == annotations_[i].parent;
        behind[here ? annotations_[i].previous : ""].push_back(i);
      }
      std::size_t part = 0;
      std::vector<std::size_t> next(behind[""].rbegin(), behind[""].rend());
      while (!next.empty()) {
        auto& item = annotations_[next.back()];
        next.pop_back();
        item.part = part++, item.parts = members.size();
        const auto& after = behind[item.id];
        next.insert(next.end(), after.rbegin(), after.rend());
      }
      if (part < members.size()) {
        const auto& item = annotations_[members.front()];
        throw file_.at(Error("the parts of '" + item.parent + "' follow each other in a circle").at_field(item.tier),
                       item.node);
      }
    }
  }

  Segment place(AnnotationItem& item, int depth) {
    if (item.time) return *item.time;
    constexpr int kDeepest = 100;  // tiers below each other; ELAN's users have five
    if (item.placing || depth > kDeepest) throw Error("refers to itself").at_field(item.id);
    item.placing = true;
    if (item.parent.empty()) {
      item.time = Segment{time_of(item, item.start), time_of(item, item.end)};
    } else {
      const auto parent = by_id_.find(item.parent);
      if (parent == by_id_.end()) throw Error("there is no annotation '" + item.parent + "'").at_field(item.id);
      const Segment whole = place(annotations_[parent->second], depth + 1);
      const auto at = [&](std::size_t part) {
        return whole.start + whole.length() * static_cast<double>(part) / static_cast<double>(item.parts);
      };
      item.time = Segment{at(item.part), item.part + 1 == item.parts ? whole.end : at(item.part + 1)};
    }
    item.placing = false;
    return *item.time;
  }

  // A slot without a time lies at equal steps in the chain of annotations of its tier that share slots; where the chain
  // has no end with a time, in that of the slots' order.
  double time_of(const AnnotationItem& item, const std::string& id) {
    const Slot& own = slots_.at(id);
    if (own.time) return *own.time;
    auto& [ending, beginning] = chains(item.tier);
    const auto walk = [&](const Chain& chain, std::string AnnotationItem::*next, std::size_t& steps) {
      std::string slot = id;
      for (steps = 0; steps <= chain.size() && !slots_.at(slot).time; ++steps) {
        const auto found = chain.find(slot);
        if (found == chain.end()) return std::optional<double>();
        slot = found->second->*next;
      }
      return slots_.at(slot).time;
    };
    std::size_t before = 0, after = 0;
    auto start = walk(ending, &AnnotationItem::start, before), end = walk(beginning, &AnnotationItem::end, after);
    if (!start || !end) {
      for (before = 0; own.rank >= before && !(start = order_[own.rank - before]); ++before)
        if (own.rank == before) break;
      for (after = 0; own.rank + after < order_.size() && !(end = order_[own.rank + after]);) ++after;
    }
    if (!start || !end) throw Error("no time is known before or behind the time slot '" + id + "'").at_field(item.id);
    return *start + (*end - *start) * static_cast<double>(before) / static_cast<double>(before + after);
  }

  std::pair<Chain, Chain>& chains(const std::string& tier) {
    if (chains_.empty())
      for (const auto& item : annotations_)
        if (item.parent.empty())
          chains_[item.tier].first.emplace(item.end, &item), chains_[item.tier].second.emplace(item.start, &item);
    return chains_[tier];
  }

  const SourceText& source_;
  const ImportSink& sink_;
  ToolRows& rows_;
  Origins& origins_;
  const XmlFile file_;
  VideoRows::Entry* entry_ = nullptr;
  std::string document_;
  std::map<std::string, std::string, std::less<>> documents_;  // by tier, of what our writer joined
  std::map<std::string, std::string, std::less<>> tiers_;  // the tiers that our writer made several of, by its names
  std::unordered_map<std::string, Slot> slots_;
  std::vector<std::optional<double>> order_;
  std::vector<AnnotationItem> annotations_;
  std::unordered_map<std::string, std::size_t> by_id_;
  std::map<std::string, std::pair<Chain, Chain>> chains_;  // annotations by end slot, and by start slot
};

// A tier for each of the rows' own, and more where its annotations overlap, which those of one ELAN tier must not, or
// are of several subjects or annotators.
class ElanWriter : public SegmentWriter {
 public:
  explicit ElanWriter(const ExportOptions& options) : SegmentWriter(options, "tier", Points::kTaken) {}
  std::string extension() const override { return ".eaf"; }
  bool named_by_file() const override { return false; }

 protected:
  std::string changes() const override {
    return "labels with control characters, which XML forbids: U+FFFD stands in their place";
  }
  Held holds(std::string_view member) const override {
    return member == "tier" || member == "subject" || member == "annotator" || member == "document" ? Held::kText
                                                                                                    : Held::kNo;
  }
  bool scores_in_labels() const override { return true; }
  bool holds_of_video(const Record& record, std::string_view member) const override {
    return is_kept_fact(member) || member == "media" || (member == "path" && !record.has("media")) ||
           (member == "time_origin" && (record.has("media") || record.has("path")));
  }
  void write_rows(const Record& record, std::vector<ExportRow> rows, std::string& out) override {
    std::vector<TimeMarks> marks;
    for (const auto& row : rows) {
      marks.push_back(time_marks(row, record.video()));
      tell_marks(record.video(), row);
      const auto fits = [&](const char* member) { return fits_xml(members().text(row, member).value_or("")); };
      if (!fits_xml(row.label)) changed(record.video());
      if (!fits("tier") || !fits("subject") || !fits("annotator") || !fits("document"))
        changed(record.video(),
                "tiers, subjects, annotators or documents with control characters, which XML forbids: U+FFFD there");
    }
    const auto tiers = tiers_of(record, rows, marks);
    head(record, tiers, out);
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (int k = 0; k < 2; ++k)
        out += "<TIME_SLOT TIME_SLOT_ID=\"ts" + std::to_string(2 * i + static_cast<std::size_t>(k) + 1) +
               "\" TIME_VALUE=\"" + std::to_string(k ? marks[i].end : marks[i].start) + "\"/>\n";
    out += "</TIME_ORDER>\n";
    for (const auto& tier : tiers) {
      out += "<TIER LINGUISTIC_TYPE_REF=\"default-lt\" TIER_ID=\"" + escape_xml(tier.name) + '"';
      for (const auto& [attribute, value] :
           {std::pair("PARTICIPANT", &tier.of.subject), {"ANNOTATOR", &tier.of.annotator}})
        if (!value->empty()) ((out += ' ') += attribute) += "=\"" + escape_xml(*value) + '"';
      out += ">\n" + tier.text + "</TIER>\n";
    }
    out +=
        "<LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"default-lt\" "
        "TIME_ALIGNABLE=\"true\"/>\n</ANNOTATION_DOCUMENT>\n";
  }

 private:
  struct Whose {  // a row is: its tier, who is in it and has labelled it, and the document that it was in
    std::string tier, subject, annotator, document;
    auto operator<=>(const Whose&) const = default;
  };
  struct Tier {
    std::string name, text;
    Whose of;
    long long free = 0;  // milliseconds from which on nothing stands in it
  };

  static void head(const Record& record, const std::vector<Tier>& tiers, std::string& out) {
    out +=
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ANNOTATION_DOCUMENT AUTHOR=\"tal-convert\" "
        "DATE=\"1970-01-01T00:00:00+00:00\" "
        "FORMAT=\"3.0\" VERSION=\"3.0\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
        "xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">\n<HEADER MEDIA_FILE=\"\" "
        "TIME_UNITS=\"milliseconds\">";
    const auto media = record.text("media"), path = media ? media : record.text("path");
    if (path) {
      out += "<MEDIA_DESCRIPTOR MEDIA_URL=\"" + escape_xml(*path) + "\" MIME_TYPE=\"" +
             (is_sound(*path) ? "audio/x-wav" : "video/mp4") + "\"";
      if (const auto origin = record.number("time_origin"))
        out += " TIME_ORIGIN=\"" + std::to_string(std::llround(*origin * 1000)) + "\"";
      out += "/>";
    }
    const auto property = [&](const std::string& name, const std::string& value) {
      out += "<PROPERTY NAME=\"" + name + "\">" + escape_xml(value) + "</PROPERTY>";
    };
    if (!path || !names_video(record, *path)) property(kVideoMember, record.video());
    for (const auto& [name, value] : kept_facts(record)) property(name, value);
    for (const auto& tier : tiers)
      if (tier.name != tier.of.tier) property(escape_xml(std::string(kTierMember) + tier.name), tier.of.tier);
    for (const auto& tier : tiers)
      if (!tier.of.document.empty()) property(escape_xml(std::string(kDocumentMember) + tier.name), tier.of.document);
    out += "</HEADER>\n<TIME_ORDER>\n";
  }

  std::vector<Tier> tiers_of(const Record& record, const std::vector<ExportRow>& rows,
                             const std::vector<TimeMarks>& marks) const {
    const std::string none = exports_proposals(record, options()) ? "proposals" : "annotations";
    const auto text = [&](const ExportRow& row, const char* member) {
      return members().text(row, member).value_or("");
    };
    std::vector<Whose> own;
    for (const auto& row : rows)
      own.push_back({members().text(row, "tier").value_or(none), text(row, "subject"), text(row, "annotator"),
                     text(row, "document")});
    std::set<std::string> names;
    for (const auto& whose : own) names.insert(whose.tier);
    std::vector<Tier> tiers;
    const auto add = [&](const Whose& whose) {
      const bool first = std::none_of(tiers.begin(), tiers.end(), [&](const Tier& t) { return t.name == whose.tier; });
      std::string name = first ? whose.tier : "";
      for (int k = 2; !first && (name.empty() || !names.insert(name).second); ++k)
        name = whose.tier + " " + std::to_string(k);
      tiers.push_back({name, "", whose, 0});
    };
    for (const auto& whose : own)  // in order of appearance, whoever begins first
      if (std::none_of(tiers.begin(), tiers.end(), [&](const Tier& t) { return t.of == whose; })) add(whose);
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return marks[a].start < marks[b].start; });
    for (const std::size_t i : order) {
      auto place = std::find_if(tiers.begin(), tiers.end(),
                                [&](const Tier& t) { return t.of == own[i] && t.free <= marks[i].start; });
      if (place == tiers.end()) {
        add(own[i]);
        place = tiers.end() - 1;
      }
      place->free = marks[i].end;
      place->text += "<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a" + std::to_string(i + 1) +
                     "\" TIME_SLOT_REF1=\"ts" + std::to_string(2 * i + 1) + "\" TIME_SLOT_REF2=\"ts" +
                     std::to_string(2 * i + 2) + "\"><ANNOTATION_VALUE>" + escape_xml(rows[i].label) +
                     score_text(rows[i]) + "</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>\n";
    }
    return tiers;
  }
};

}  // namespace

void read_elan(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  ToolRows rows(options, sink);
  ElanReader::Origins origins;
  std::vector<std::unique_ptr<ElanReader>> readers;
  std::vector<const VideoRows::Entry*> videos;               // of each
  std::map<const VideoRows::Entry*, std::size_t> documents;  // how many there are of a video
  std::map<std::pair<const VideoRows::Entry*, std::string>, std::size_t> called;
  for (const auto& source : sources) {
    readers.push_back(std::make_unique<ElanReader>(source, sink, rows, origins));
    videos.push_back(&readers.back()->read_header());
    ++documents[videos.back()], ++called[{videos.back(), file_stem(source, kElanEndings)}];
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string stem = file_stem(sources[i], kElanEndings);
    const bool alone = documents[videos[i]] == 1, named = called[{videos[i], stem}] == 1;
    readers[i]->read(alone ? "" : named ? stem : sources[i].name);
    readers[i].reset();
  }
  for (const auto& [video, count] : documents)
    if (count > 1)
      rows.tell("video has several documents, whose names are the member document of its segments",
                "videos have several documents, whose names are the member document of their segments",
                "'" + video->video + "' has " + std::to_string(count));
  rows.emit();
}

std::unique_ptr<ExportWriter> make_elan_writer(const ExportOptions& options) {
  return std::make_unique<ElanWriter>(options);
}

}  // namespace tal
