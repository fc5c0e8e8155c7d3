#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <random>

#include "base/log.h"
#include "ports/stream/embedded/embedded.h"
#include "ports/stream/embedded/segment.h"
#include "testing/manual_clock.h"
#include "testing/run_task.h"
#include "testing/temporary_folder.h"

namespace mainstay::stream::embedded {
namespace {

using mainstay::testing::ManualClock;
using mainstay::testing::run;
using mainstay::testing::TemporaryFolder;

constexpr std::chrono::seconds kLong{60};
constexpr std::size_t kBytes = 256 << 20;

std::string load(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void save(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// A log whose files can be taken apart between two openings. Each record is "record <offset>".
class DamagedStream : public ::testing::Test {
 protected:
  DamagedStream() { log::set_level(log::Level::kError); }
  ~DamagedStream() override { log::set_level(log::Level::kInfo); }

  static std::string text(Offset offset) { return "record " + std::to_string(offset); }
  std::unique_ptr<Stream> open() { return embedded::open(options_); }
  void append(Offset from, Offset through) {
    const auto stream = open();
    for (Offset offset = from; offset <= through; ++offset)
      ASSERT_EQ(run(stream->append(text(offset))).value(), offset);
  }
  /// The offsets that can be read; each record must be its own.
  static std::vector<Offset> readable(Stream& stream) {
    std::vector<Offset> offsets;
    for (Offset after = 0; after < stream.last();) {
      const auto records = stream.read(after, 1'000, kBytes, kLong);
      if (records.empty()) break;
      for (const auto& record : records) {
        EXPECT_EQ(record.bytes, text(record.offset));
        offsets.push_back(record.offset);
      }
      after = records.back().offset;
    }
    return offsets;
  }
  static std::vector<Offset> through(Offset last) {
    std::vector<Offset> offsets(last);
    for (Offset i = 0; i < last; ++i) offsets[i] = i + 1;
    return offsets;
  }
  std::filesystem::path file(Offset base) const { return folder_ / fmt::format("{:020}.log", base); }
  std::size_t frame_at(Offset offset) const {  // of single-digit offsets in the first file
    return kSegmentHeaderBytes + (offset - 1) * (kFrameHeaderBytes + text(1).size());
  }

  TemporaryFolder folder_;
  ManualClock clock_;
  Options options_{.folder = folder_.path(), .clock = &clock_};
};

TEST_F(DamagedStream, a_torn_end_is_cut_at_every_byte_of_the_last_record) {
  append(1, 3);
  const std::string whole = load(file(1));
  for (std::size_t size = frame_at(3); size < whole.size(); ++size) {
    save(file(1), whole.substr(0, size));
    const auto stream = open();
    ASSERT_EQ(stream->last(), 2u) << size;
    ASSERT_EQ(run(stream->append(text(3))).value(), 3u);
    ASSERT_EQ(readable(*stream), through(3));
  }
}

TEST_F(DamagedStream, a_torn_end_in_reserved_space_is_cut_at_every_byte) {
  append(1, 3);
  const std::string whole = load(file(1));
  for (std::size_t size = frame_at(3); size < whole.size(); ++size) {
    save(file(1), whole.substr(0, size) + std::string(10'000, '\0'));
    ASSERT_EQ(open()->last(), 2u) << size;
    append(3, 3);
    ASSERT_EQ(readable(*open()), through(3));
  }
}

TEST_F(DamagedStream, a_flipped_bit_in_an_acknowledged_record_is_refused_with_its_place) {
  append(1, 9);
  const std::string whole = load(file(1));
  for (std::size_t byte = frame_at(4); byte < frame_at(5); ++byte) {
    std::string flipped = whole;
    flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << (byte % 8)));
    save(file(1), flipped);
    try {
      (void)open();
      FAIL() << "byte " << byte;
    } catch (const Unavailable& refused) {
      EXPECT_NE(std::string(refused.what()).find("record 4"), std::string::npos) << refused.what();
      EXPECT_NE(std::string(refused.what()).find(std::to_string(frame_at(4))), std::string::npos) << refused.what();
    }
    ASSERT_EQ(load(file(1)), flipped) << "the evidence was changed";
  }
}

TEST_F(DamagedStream, salvage_gives_everything_but_the_damaged_record) {
  append(1, 9);
  std::string bytes = load(file(1));
  bytes[frame_at(4) + 30] ^= 1;
  save(file(1), bytes);
  options_.on_damage = OnDamage::kSkip;
  const auto stream = open();
  EXPECT_EQ(run(stream->append(text(10))).value(), 10u);
  EXPECT_EQ(readable(*stream), (std::vector<Offset>{1, 2, 3, 5, 6, 7, 8, 9, 10}));
}

TEST_F(DamagedStream, damage_in_an_older_file_is_refused_when_it_is_read) {
  options_.segment_bytes = 200;
  append(1, 30);
  std::string bytes = load(file(1));
  bytes[frame_at(2) + 30] ^= 1;
  save(file(1), bytes);
  const auto stream = open();
  EXPECT_EQ(stream->read(0, 1, kBytes, kLong).at(0).offset, 1u);
  EXPECT_THROW((void)stream->read(1, 10, kBytes, kLong), Unavailable);
  EXPECT_THROW((void)stream->read(1, 10, kBytes, kLong), Unavailable) << "asking again does not make it whole";
  EXPECT_EQ(stream->read(20, 1, kBytes, kLong).at(0).offset, 21u) << "what is whole can still be read";
}

TEST_F(DamagedStream, salvage_steps_over_damage_and_missing_ends_in_older_files) {
  options_.segment_bytes = 200;
  append(1, 30);
  std::string bytes = load(file(1));
  bytes[frame_at(2) + 30] ^= 1;
  save(file(1), bytes.substr(0, frame_at(4) + 10));
  options_.on_damage = OnDamage::kSkip;
  const auto stream = open();
  const auto offsets = readable(*stream);
  ASSERT_GE(offsets.size(), 4u);
  EXPECT_EQ(offsets[0], 1u);
  EXPECT_EQ(offsets[1], 3u);
  EXPECT_EQ(offsets[2], 5u);
  EXPECT_EQ(offsets.back(), 30u);
}

TEST_F(DamagedStream, a_damaged_header_is_refused_and_salvage_does_not_reuse_its_offsets) {
  append(1, 9);
  std::string bytes = load(file(1));
  bytes[3] ^= 1;
  save(file(1), bytes);
  EXPECT_THROW(open(), Unavailable);
  options_.on_damage = OnDamage::kSkip;
  EXPECT_GE(open()->last(), 9u);
  EXPECT_EQ(load(file(1)), bytes) << "the evidence was changed";
}

TEST_F(DamagedStream, a_hole_in_the_last_group_is_a_torn_end_and_one_before_it_is_damage) {
  // As a power cut leaves it: the group's later frames reached the disk, an earlier one did not.
  const SegmentHeader header{.base = 1, .created_at = ManualClock::kStart, .seed = 77};
  const auto segment = [&](Offset durable_before_last) {
    std::string out;
    append_header(out, header);
    for (Offset offset = 1; offset <= 5; ++offset) {
      const Offset durable = offset < 3 ? offset - 1 : (offset == 5 ? durable_before_last : Offset{2});
      append_frame(out, {.offset = offset, .appended_at = {}, .durable_before = durable, .record = text(offset)}, 77);
    }
    std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(frame_at(3)), frame_at(4) - frame_at(3), '\0');
    return out;
  };
  save(file(1), segment(2));
  EXPECT_EQ(open()->last(), 2u);
  save(file(1), segment(4));
  EXPECT_THROW(open(), Unavailable);
}

TEST_F(DamagedStream, a_record_that_looks_like_a_frame_is_not_taken_for_one) {
  std::string fake;
  append_frame(fake, {.offset = 3, .appended_at = {}, .durable_before = 2, .record = "forged"}, 0);
  {
    const auto stream = open();
    run(stream->append("first")).value();
    run(stream->append(fake)).value();
  }
  const std::string whole = load(file(1));
  save(file(1), whole.substr(0, whole.size() - 1));  // the frame around it is torn
  EXPECT_EQ(open()->last(), 1u);
}

TEST_F(DamagedStream, any_flip_or_cut_is_either_refused_or_costs_a_suffix_and_never_changes_a_record) {
  append(1, 9);
  const std::string whole = load(file(1));
  std::mt19937_64 random(7);
  for (int round = 0; round < 500; ++round) {
    std::string bytes = whole;
    for (std::uint64_t i = random() % 3; i-- > 0;) bytes[random() % bytes.size()] ^= static_cast<char>(random());
    if (random() % 2 == 0) bytes.resize(random() % bytes.size());
    save(file(1), bytes);
    try {
      const auto stream = open();
      EXPECT_EQ(readable(*stream), through(stream->last()));
    } catch (const Unavailable&) {
      continue;
    }
  }
}

}  // namespace
}  // namespace mainstay::stream::embedded
