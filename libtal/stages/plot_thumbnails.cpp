#include "libtal/stages/plot_thumbnails.h"

#include <algorithm>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/stages/plugins.h"

namespace tal::plot {
namespace {

// Every second one goes until the rest fits into `room` bytes of the page (base64). Whether any went.
bool thin_out(std::vector<Thumbnail>& all, double room) {
  const auto size = [&] {
    double bytes = 0;
    for (const auto& one : all) bytes += static_cast<double>(one.jpeg.size()) * 4 / 3;
    return bytes;
  };
  const std::size_t before = all.size();
  while (!all.empty() && size() > room) {
    std::size_t kept = 0;
    if (all.size() > 1)
      for (std::size_t i = 0; i < all.size(); i += 2) std::swap(all[kept++], all[i]);
    all.resize(kept);
  }
  return all.size() < before;
}

}  // namespace

void register_thumbnails(const Options& table, ThumbnailOptions& o) {
  table.add("--thumbnails", o.count, "Pictures of each video, evenly over its length (0: none)")
      .type_name("N")
      .between(0, 2000);
  table.add("--thumbnail-room", o.room, "Most that the pictures of all videos take in what is written")
      .type_name("MIB")
      .between(0.001, 1024.0)
      .with("--thumbnails");
}

std::vector<std::vector<Thumbnail>> make_thumbnails(Tool& tool, const ThumbnailOptions& options,
                                                    const std::vector<std::string>& paths) {
  const auto wanted = static_cast<std::size_t>(
      std::count_if(paths.begin(), paths.end(), [](const auto& path) { return !path.empty(); }));
  if (options.count == 0 || wanted == 0) return {};
  std::vector<std::vector<Thumbnail>> out(paths.size());
  const auto& stages = video_stages();
  const double room = options.room * 1024 * 1024 / static_cast<double>(wanted);
  std::size_t done = 0, thinned = 0, few = 0;
  for (std::size_t i = 0; i < paths.size() && !tool.stopped(); ++i) {
    if (paths[i].empty()) continue;
    try {
      out[i] = stages.thumbnails(paths[i], options.count);
      few += out[i].size() < static_cast<std::size_t>(options.count) ? 1 : 0;
    } catch (const Error& error) {
      tool.warn("no thumbnails: " + error.message());
    }
    thinned += thin_out(out[i], room) ? 1 : 0;
    tool.progress(++done, wanted, "videos");
  }
  const auto fewer = [&](std::size_t videos, const char* why) {
    if (videos > 0)
      tool.note("fewer thumbnails than --thumbnails in " + std::to_string(videos) +
                (videos == 1 ? " video: " : " videos: ") + why);
  };
  fewer(few, "it is cut into as many parts, and not all of them have a picture that can be decoded");
  fewer(thinned, "more do not fit (--thumbnail-room)");
  return out;
}

}  // namespace tal::plot
