import Statistics

/// A value that screen and report write alike; in JSON numbers stay numbers.
package enum ReportValue: Sendable, Hashable {
  case text(String)
  case integer(Int)
  case number(Double)
  /// A fraction, written as a percentage and kept as a fraction in JSON and CSV.
  case share(Double)
  /// A ratio, written as ×8.2.
  case times(Double)
  case flag(Bool)
  /// Undefined or not measured.
  case missing

  package init(number: Double?) { self = number.map(ReportValue.number) ?? .missing }

  package init(times: Double?) { self = times.map(ReportValue.times) ?? .missing }

  package init(integer: Int?) { self = integer.map(ReportValue.integer) ?? .missing }

  /// As people read it.
  package var text: String {
    switch self {
    case .text(let text): text
    case .integer(let value): Format.integer(value)
    case .number(let value): Format.number(value)
    case .share(let value): Format.percent(value)
    case .times(let value): Format.times(value)
    case .flag(let value): value ? "true" : "false"
    case .missing: "–"
    }
  }

  /// As programs read it: full precision, no units; empty when missing.
  package var plain: String {
    switch self {
    case .text(let text): text
    case .integer(let value): String(value)
    case .number(let value), .share(let value), .times(let value): value.isFinite ? String(value) : ""
    case .flag(let value): value ? "true" : "false"
    case .missing: ""
    }
  }
}

extension ReportValue: Encodable {
  /// A value that JSON has no number for is null.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let text): try container.encode(text)
    case .integer(let value): try container.encode(value)
    case .number(let value), .share(let value), .times(let value):
      if value.isFinite { try container.encode(value) } else { try container.encodeNil() }
    case .flag(let value): try container.encode(value)
    case .missing: try container.encodeNil()
    }
  }
}
