package import Evidence
import Trace

extension CompressionState {
  /// Everything on the panel as values; `recorded` is the answer of a trace that was opened without weights.
  package func report() -> PanelReport {
    var report = PanelReport(.compression)
    guard let facts else {
      report.notes = ["Nothing was asked yet: this needs a checkpoint, a trace alone holds one answer only."]
      return report
    }
    addFacts(facts, to: &report)
    let bill = CompressionBill(facts, pictures: pictures, latest: latest)
    report.tables = [pictureTable(facts), answerTable(facts), tokenTable, agreementTable(facts)]
    report.tables += [billTable(bill.sources, facts), measuredTable(bill, facts), publishedTable(bill, facts)]
    report.tables.append(conversationTable(facts))
    if !families.isEmpty { report.tables.append(familyTable(facts)) }
    report.tables.removeAll { $0.rows.isEmpty }
    report.notes = [bill.sentence] + facts.edges() + (facts.sources.contains(.voco) ? Self.rules : [Self.rules[0]])
    return report
  }

  /// How the numbers are to be read.
  static let rules = [
    "Agreement: tokens equal at the same place over the longer answer's tokens, the end of sequence left out.",
    "Computed operations count the matrix products of the decoder, two a weight and pair, as this program runs them; "
      + "the vision tower and the quantizer are the same for all tokens and <voco>, and are left out.",
    "The published size is Llama-7B with 1 + 580 + 1 tokens in 16 bits: computed, not measured here.",
    "Positions: a later picture's <voco> takes one position after the text so far; its keys are turned there.",
  ]

  private func addFacts(_ facts: CompressionFacts, to report: inout PanelReport) {
    report.add("model", facts.modelName)
    report.add("config sha256", facts.configSHA256)
    report.add("weights sha256", facts.weightsSHA256)
    report.add("version", facts.version)
    report.add("temperature", .number(facts.temperature))
    report.add("seed", .integer(Int(truncatingIfNeeded: facts.seed)))
    report.add("layers", .integer(facts.shape.layers))
    report.add("visual tokens", .integer(facts.prompt.visual))
    report.add("voco tokens", .integer(facts.prompt.voco))
    report.add("context length", .init(integer: facts.contextLength))
    if let position = latest?.position { report.add("positions used", .integer(position)) }
    report.add(
      "trained to answer from", facts.trainedSources.map { $0.map(facts.title).joined(separator: ", ") } ?? "unknown")
    if !facts.untrainedParts.isEmpty { report.add("untrained", facts.untrainedParts.joined(separator: ", ")) }
    let bill = CompressionBill(facts, pictures: pictures, latest: latest)
    guard let ratio = bill.ratio else { return }
    report.add("compression of K/V", .times(ratio))
    report.add("bytes of one <voco>", .integer(bill.layers * bill.bytesPerLayer))
    report.add("bytes of one <voco>, a layer", .integer(bill.bytesPerLayer))
  }

  private func pictureTable(_ facts: CompressionFacts) -> PanelReport.Table {
    .init(
      "pictures", columns: ["picture", "sha256", "source", "rows added", "bytes added", "seconds", "refused"],
      rows: pictures.flatMap { picture in
        facts.sources.map { source in
          [
            .text(picture.name), .text(picture.sha256), .text(source.rawValue), .init(integer: picture.rows[source]),
            .init(integer: picture.bytes[source]), .init(number: picture.seconds[source]),
            picture.refusals[source].map(ReportValue.text) ?? .missing,
          ]
        }
      })
  }

  private func answerTable(_ facts: CompressionFacts) -> PanelReport.Table {
    .init(
      "answers", columns: ["turn", "question", "source", "from", "answer", "tokens", "ended", "trained for"],
      rows: exchanges.flatMap { exchange in
        exchange.answers.map { answer in
          [
            .integer(exchange.number), .text(exchange.question), .text(answer.source.rawValue),
            .text(facts.title(of: answer.source)), .text(answer.outcome), .integer(answer.tokens.count),
            answer.stop.map(ReportValue.text) ?? .missing,
            .text(facts.isTrained(answer.source).map { $0 ? "yes" : "no" } ?? "unknown"),
          ]
        }
      })
  }

  private var tokenTable: PanelReport.Table {
    .init(
      "tokens", columns: ["turn", "source", "token", "id", "piece", "probability"],
      rows: exchanges.flatMap { exchange in
        exchange.answers.flatMap { answer in
          answer.tokens.enumerated().map { index, token in
            [
              .integer(exchange.number), .text(answer.source.rawValue), .integer(index + 1), .integer(token.id),
              .text(token.piece), .share(token.probability),
            ]
          }
        }
      })
  }

  private func agreementTable(_ facts: CompressionFacts) -> PanelReport.Table {
    .init(
      "agreement", columns: ["turn", "between", "and", "equal", "of", "agreement", "parts at token"],
      rows: exchanges.flatMap { exchange in
        exchange.agreements.map { agreement in
          [
            .integer(exchange.number), .text(agreement.first.rawValue), .text(agreement.second.rawValue),
            .integer(agreement.equal), .integer(agreement.length), agreement.share.map(ReportValue.share) ?? .missing,
            .init(integer: agreement.partsAt.map { $0 + 1 }),
          ]
        }
      })
  }

  private func billTable(_ bills: [SourceBill], _ facts: CompressionFacts) -> PanelReport.Table {
    .init(
      "bill, computed from the shapes",
      columns: ["source", "rows kept", "bytes kept", "picture FLOP", "question tokens", "question FLOP", "token FLOP"],
      rows: bills.map(computedRow))
  }

  private func computedRow(_ bill: SourceBill) -> [ReportValue] {
    [
      .text(bill.source.rawValue), .integer(bill.rows), .integer(bill.computedBytes), .integer(bill.pictureOperations),
      .integer(bill.questionTokens), .integer(bill.questionOperations), .integer(bill.tokenOperations),
    ]
  }

  private func measuredTable(_ bill: CompressionBill, _ facts: CompressionFacts) -> PanelReport.Table {
    .init(
      "bill, measured in this run",
      columns: ["source", "bytes kept", "picture seconds", "question seconds", "seconds a token", "question GFLOP/s"],
      rows: bill.sources.map { bill in
        [
          .text(bill.source.rawValue), .init(integer: bill.measuredBytes), .init(number: bill.pictureSeconds),
          .init(number: bill.questionSeconds), .init(number: bill.tokenSeconds),
          .init(number: bill.questionSeconds.map { Double(bill.questionOperations) / $0 / 1e9 }),
        ]
      })
  }

  private func publishedTable(_ bill: CompressionBill, _ facts: CompressionFacts) -> PanelReport.Table {
    .init(
      "published 7B shape, computed",
      columns: ["source", "rows kept", "bytes kept", "picture FLOP", "question tokens", "question FLOP", "token FLOP"],
      rows: bill.published.map(computedRow))
  }

  private func conversationTable(_ facts: CompressionFacts) -> PanelReport.Table {
    .init(
      "conversation",
      columns: [
        "turn", "source", "pictures", "earlier turns in sight", "rows reused", "bytes reused", "rows computed",
        "prompt tokens", "next position",
      ],
      rows: exchanges.flatMap { exchange in
        exchange.answers.compactMap { answer in
          answer.cost.map { cost in
            [
              .integer(exchange.number), .text(answer.source.rawValue), .integer(exchange.pictures),
              .flag(exchange.keepsTurns), .integer(cost.reusedRows), .integer(cost.reusedBytes),
              .integer(cost.computedRows), .integer(cost.promptTokens), .integer(cost.position),
            ]
          }
        }
      })
  }

  private func familyTable(_ facts: CompressionFacts) -> PanelReport.Table {
    .init(
      "what is kept and what is lost",
      columns: ["family", "question", "right answer"]
        + facts.sources.flatMap { [$0.rawValue, "\($0.rawValue) probability"] }
        + (facts.sources.contains(.voco) ? ["voco"] : []),
      rows: families.map { family in
        [.text(family.family), .text(family.question), family.right.map(ReportValue.text) ?? .missing]
          + facts.sources.flatMap { source -> [ReportValue] in
            guard let column = family[source] else { return [.missing, .missing] }
            return [.text(withoutLoops(column.text)), .share(column.probability)]
          } + (facts.sources.contains(.voco) ? [.text(family.verdict)] : [])
      })
  }
}

extension Exchange {
  /// The position after the question in the longest conversation.
  package var position: Int? { answers.compactMap { $0.cost?.position }.max() }
}

extension InspectorState {
  /// The comparison's report, and what the codes lost of this picture.
  var compressionReport: PanelReport {
    var report = compression.report()
    guard compression.facts != nil, let decodedCodes else { return report }
    report.add("reconstruction, dB", .number(decodedCodes.decibels))
    let columns = decodedCodes.grid.columns
    report.tables.append(
      .init(
        "what the codes lost, mean |difference| a code", columns: ["row"] + (0..<columns).map(String.init),
        rows: (0..<decodedCodes.grid.rows).map { row in
          [.integer(row)] + decodedCodes.lost[row * columns..<(row + 1) * columns].map { .number($0) }
        }))
    return report
  }
}
