import Foundation

/// How a report is printed.
package enum ReportFormat: String, Sendable, CaseIterable { case text, json, csv }

/// A document that is written by its `Encodable` type: indented, keys in order, so that two runs compare line by line.
package func prettyJSON(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
}
