// Decoding on a thread of its own, a bounded number of frames ahead of whoever works on them. The frames, their order
// and their times are those of the decoder: only the waiting changes.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "libtal/video/decoder.h"

namespace tal {

class DecodeAhead {
 public:
  // Starts to decode at once. `decoder` belongs to the thread until next() has returned false (or thrown), or this
  // object is gone. prompt: next() gets each picture as soon as it is there (live videos); else it waits for a few, so
  // that the two threads seldom wake each other.
  explicit DecodeAhead(VideoDecoder& decoder, bool prompt = false);
  ~DecodeAhead();
  DecodeAhead(const DecodeAhead&) = delete;
  DecodeAhead& operator=(const DecodeAhead&) = delete;

  // The next picture and its time (seconds); false at the end. Throws what the decoder threw. The buffers that
  // `picture` held go back to the decoder, so nobody else may still look at them.
  bool next(VideoPicture& picture, double& time);
  bool next(cv::Mat& bgr, double& time);  // the same, of a decoder whose options ask for BGR

 private:
  struct Item {
    VideoPicture picture;
    double time = 0;
  };
  void decode();
  bool full() const;
  bool enough() const;  // to wake who waits for pictures

  VideoDecoder& decoder_;
  std::mutex mutex_;
  std::condition_variable room_, filled_;
  std::deque<Item> ready_;
  std::vector<VideoPicture> free_;
  VideoPicture last_;  // of next(cv::Mat&)
  std::exception_ptr broken_;
  const bool prompt_;
  bool end_ = false, stop_ = false;
  std::thread thread_;
};

}  // namespace tal
