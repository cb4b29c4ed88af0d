// Opens each bundle named on its command line (a key in hexadecimal before the first one, or -) and prints a line for each.
import Foundation

let arguments = CommandLine.arguments.dropFirst()
let hexadecimal = Array(arguments.first!)
let key = hexadecimal == ["-"] ? nil : Data(stride(from: 0, to: hexadecimal.count, by: 2).map {
    UInt8(String(hexadecimal[$0...($0 + 1)]), radix: 16)!
})
for folder in arguments.dropFirst() {
    do {
        let bundle = try ModelBundle(URL(fileURLWithPath: folder), trustedKey: key)
        let it = bundle.manifest
        let shown: [Any] = [
            "opened", it.name, it.version, it.kind, it.modelFile, bundle.model.count, it.input.width, it.input.height,
            it.input.type, it.input.scale, it.labels.joined(separator: "|"),
            it.events.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "|"),
            it.raiseAt, it.clearAt, it.minFrames, it.golden.tolerance, bundle.isSigned,
        ]
        print(shown.map { "\($0)" }.joined(separator: "\t"))
    } catch let error as BundleRefused {
        print("refused\t\(error.place)\t\(error.why)")
    }
}
