// How the process of a tool ends.
#pragma once

namespace tal {

// Said by whoever opens a library that takes long to take itself apart: LibTorch unregisters each of its operators,
// which is a third of the processor time of a short run.
void leave_libraries_open();

// Said by a tool when all that it writes is closed. Where leave_libraries_open() was said, the process then ends with
// its status as soon as main's own objects are gone, before libraries take themselves apart. A program that links
// libtal is left alone.
void end_without_libraries();

}  // namespace tal
