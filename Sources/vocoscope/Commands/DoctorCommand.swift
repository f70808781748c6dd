import ArgumentParser
import Files
import Foundation
import Sessions

enum DoctorFormat: String, CaseIterable, ExpressibleByArgument { case text, json }

/// `vocoscope doctor`: what this terminal and machine give the program.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Tell what the terminal, its colours and pixels, the kernels, memory, caches and bundled files are.",
    discussion: "To be pasted into a report of a problem: it names no people, hosts or home directories.")

  @Option(help: "How to print it.")
  var format = DoctorFormat.text

  func run() throws {
    let doctor = Doctor(environment: ProcessInfo.processInfo.environment)
    try StandardStream.output.write(format == .json ? doctor.json : doctor.text)
  }
}
