import Foundation
import Inspector
import Safetensors
import Trace
import WeightFormats

/// Reports as named arrays.
///
/// A fact is a single value `panel.fact`. A table whose columns behind the first are numbers is a matrix `panel.table`
/// with its names in `panel.table.rows` and `panel.table.columns`; of any other, every column is an array
/// `panel.table.column`. Names are written in ASCII letters, digits and underscores; a missing number is NaN.
struct PanelArrays {
  private(set) var entries: [NumPyEntry] = []

  init(_ state: InspectorState, _ reports: [PanelReport]) {
    if let provenance = state.trace?.provenance {
      for (name, value) in provenance.named { add("provenance.\(Self.plain(name))", [.text(value)], isSingle: true) }
    }
    for report in reports {
      for fact in report.facts { add("\(report.panel).\(Self.plain(fact.name))", [fact.value], isSingle: true) }
      for table in report.tables { add(table, of: report.panel) }
      if !report.notes.isEmpty { add("\(report.panel).notes", report.notes.map(ReportValue.text)) }
    }
  }

  var npz: [UInt8] { NumPyWriter.archive(entries) }

  /// The same arrays; texts, which the format has no type for, stand in its metadata, several as a JSON list.
  var safetensors: [UInt8] {
    var metadata: [String: String] = [:]
    var tensors: [SafetensorsEntry] = []
    for entry in entries {
      switch entry.elements {
      case .doubles(let values): tensors.append(SafetensorsEntry(entry.name, shape: entry.shape, doubles: values))
      case .integers(let values): tensors.append(SafetensorsEntry(entry.name, shape: entry.shape, longs: values))
      case .flags(let values):
        tensors.append(SafetensorsEntry(entry.name, shape: entry.shape, bytes: values.map { $0 ? 1 : 0 }))
      case .texts(let values): metadata[entry.name] = entry.shape.isEmpty ? values[0] : Self.json(values)
      }
    }
    return SafetensorsWriter.bytes(tensors, metadata: metadata)
  }

  private mutating func add(_ table: PanelReport.Table, of panel: String) {
    let name = "\(panel).\(Self.plain(table.title))"
    let columns = table.columns.indices.map { column in table.rows.map { $0[column] } }
    guard columns.count > 2, columns.dropFirst().allSatisfy({ $0.allSatisfy(\.isNumber) }) else {
      for (title, column) in zip(table.columns, columns) { add("\(name).\(Self.plain(title))", column) }
      return
    }
    let values = table.rows.flatMap { $0.dropFirst().map(\.double) }
    append(NumPyEntry(name, shape: [table.rows.count, columns.count - 1], .doubles(values)))
    add("\(name).rows", columns[0])
    add("\(name).columns", table.columns.dropFirst().map(ReportValue.text))
  }

  private mutating func add(_ name: String, _ values: [ReportValue], isSingle: Bool = false) {
    let elements: NumPyEntry.Elements =
      if values.allSatisfy({ $0.integer != nil }) {
        .integers(values.compactMap(\.integer).map(Int64.init))
      } else if values.allSatisfy({ $0.flag != nil }) {
        .flags(values.compactMap(\.flag))
      } else if values.allSatisfy(\.isNumber) {
        .doubles(values.map(\.double))
      } else {
        .texts(values.map(\.plain))
      }
    append(NumPyEntry(name, shape: isSingle ? [] : [values.count], elements))
  }

  /// Under its own name, or the first free one.
  private mutating func append(_ entry: NumPyEntry) {
    let taken = Set(entries.map(\.name))
    let names = sequence(first: 1) { $0 + 1 }.lazy.map { $0 == 1 ? entry.name : "\(entry.name)_\($0)" }
    let free = names.first { !taken.contains($0) } ?? entry.name
    entries.append(NumPyEntry(free, shape: entry.shape, entry.elements))
  }

  private static func plain(_ title: String) -> String {
    let words = title.replacingOccurrences(of: "×", with: "x").split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
    return words.isEmpty ? "value" : words.joined(separator: "_").lowercased()
  }

  private static func json(_ texts: [String]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    guard let data = try? encoder.encode(texts) else { preconditionFailure("texts have a JSON form") }
    return String(decoding: data, as: UTF8.self)
  }
}

extension ReportValue {
  fileprivate var integer: Int? { if case .integer(let value) = self { value } else { nil } }

  fileprivate var flag: Bool? { if case .flag(let value) = self { value } else { nil } }

  fileprivate var isNumber: Bool {
    switch self {
    case .integer, .number, .share, .times, .lift, .missing: true
    case .text, .flag: false
    }
  }

  fileprivate var double: Double {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value), .share(let value), .times(let value), .lift(let value): value
    case .text, .flag, .missing: .nan
    }
  }
}

extension Provenance {
  /// What identifies the run, by name; nothing that is not known.
  var named: [(name: String, value: String)] {
    [
      ("checkpoint", modelName), ("weights SHA-256", weightsSHA256), ("config SHA-256", configSHA256),
      ("picture", imageName), ("picture SHA-256", imageSHA256), ("prompt", prompt), ("edits", edits),
      ("version", version), ("computed with", computation?.machine ?? ""), ("sampling", computation?.sampling ?? ""),
    ].filter { !$0.1.isEmpty }
  }
}
