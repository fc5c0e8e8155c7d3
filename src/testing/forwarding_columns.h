#pragma once

#include <memory>
#include <utility>

#include "ports/columns/columns.h"

namespace mainstay::testing {

/// A column store that hands everything to another one; a test overrides where it shall fail.
class ForwardingColumns : public columns::Columns {
 public:
  explicit ForwardingColumns(columns::Columns& inner) : inner_(inner) {}

  void create(std::span<const columns::Table> tables) override { inner_.create(tables); }
  std::unique_ptr<columns::Transaction> begin() override { return std::make_unique<Forwarding>(*this); }
  Task<Result<columns::Answer>> query(columns::Statement statement, Limits limits) override {
    return inner_.query(std::move(statement), limits);
  }
  Result<columns::Answer> query_blocking(const columns::Statement& statement, Limits limits) override {
    return inner_.query_blocking(statement, limits);
  }
  Task<Result<>> stream(columns::Statement statement, std::chrono::milliseconds patience, Take take) override {
    return inner_.stream(std::move(statement), patience, std::move(take));
  }
  Result<> stream_blocking(const columns::Statement& statement, std::chrono::milliseconds patience,
                           const Take& take) override {
    return inner_.stream_blocking(statement, patience, take);
  }
  Task<Result<>> write_parquet(columns::Statement statement, std::chrono::milliseconds patience,
                               std::string path) override {
    return inner_.write_parquet(std::move(statement), patience, std::move(path));
  }
  void compact(std::stop_token stop) override { inner_.compact(std::move(stop)); }
  [[nodiscard]] std::uint64_t bytes_on_disk() const override { return inner_.bytes_on_disk(); }

 protected:
  /// Before a step; `rows` are those of the transaction with it.
  virtual void before_add(std::size_t rows) { std::ignore = rows; }
  virtual void commit_transaction(columns::Transaction& inner) { inner.commit(); }

 private:
  class Forwarding final : public columns::Transaction {
   public:
    explicit Forwarding(ForwardingColumns& store) : store_(store), inner_(store.inner_.begin()) {}
    void add(const columns::Step& step) override {
      if (const auto* const batch = std::get_if<columns::Batch>(&step)) rows_ += batch->rows;
      store_.before_add(rows_);
      inner_->add(step);
    }
    void commit() override { store_.commit_transaction(*inner_); }

   private:
    ForwardingColumns& store_;
    std::unique_ptr<columns::Transaction> inner_;
    std::size_t rows_ = 0;
  };
  columns::Columns& inner_;
};

}  // namespace mainstay::testing
