// The clock of players, which a record's may not be: its time 0 is the first picture, theirs the start of the file.
#pragma once

#include <string>

namespace tal {

// Seconds on a player's clock at which a video's first picture stands, or, of a file without pictures, its first
// sample. Error (with the path) when the file holds neither, or nothing of it can be decoded.
double first_on_players_clock(const std::string& path);

}  // namespace tal
