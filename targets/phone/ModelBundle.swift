// Reads a Smartcam bundle on a phone or a Mac: the manifest field by field, every file by its SHA-256, and the signature
// where a key is trusted, as a device does (docs/design/bundle.md). Add this one file to your app.
//
// It needs Foundation and CryptoKit, which Apple's systems have; elsewhere the package swift-crypto has the same under
// the name Crypto. What it does not do is run the model: do with `golden` what the device does, and compare your
// runtime's answer with the one that the bundle brings.
import Foundation

#if canImport(CryptoKit)
import CryptoKit
#else
import Crypto
#endif

/// Why a bundle is not taken: the file or the manifest's field, and what is wrong with it.
public struct BundleRefused: Error, CustomStringConvertible {
    public let place: String
    public let why: String

    public var description: String { "\(place): \(why)" }
}

/// The picture that the model takes. A sample p of 0 to 255 becomes `(p - mean) / std`, and for a quantised type
/// `round(that / scale) + zeroPoint`, clipped to the type. `mean` and `std` are of red, green and blue.
public struct ModelInput {
    public let width, height: Int
    public let type: String
    public let scale: Double
    public let zeroPoint: Int
    public let mean, std: [Double]
    public let colours, layout, fit: String
    public let pad: Int
}

/// How the model's outputs are read; numbers such as `boxes` are the places of outputs.
public enum ModelOutput {
    case classifier(activation: String, scale: Double, zeroPoint: Int)
    case ssd(boxes: Int, classes: Int, scores: Int, count: Int, axes: String, unit: String)
    case yolo(
        boxes: Int, scores: Int, objectness: Int?, classes: Int?, candidates: String, form: String, axes: String, unit: String,
        activation: String, row: String?)
    case yolox(strides: [Int], candidates: String, activation: String)
}

/// A picture, RGB bytes of the model's size, and the answer that the model gave to it, JSON: files of the bundle.
public struct Golden {
    public let input, output: String
    public let tolerance: Double
}

/// What a bundle says of its model. `files`: the SHA-256 of every other file. `events`: what each label raises.
public struct Manifest {
    public let name, version, kind: String
    public let files: [String: String]
    public let input: ModelInput
    public let output: ModelOutput
    public let labels: [String]
    public let events: [String: String]
    public let raiseAt, clearAt: Double
    public let minFrames: Int
    public let golden: Golden
    public let licence: String

    static let tflite = "model.tflite", onnx = "model.onnx"

    public var modelFile: String { files[Self.onnx] == nil ? Self.tflite : Self.onnx }

    /// The manifest in these bytes. Throws `BundleRefused`, which names the first wrong field.
    public init(_ document: Data) throws {
        let fields = Fields(try parsed(document), "")
        kind = try fields.choice("kind", ["detector", "classifier"])
        guard try fields.whole("schema", 0, Int.max) == 2 else {
            throw BundleRefused(place: "schema", why: "must be 2; update the side that does not know it")
        }
        let limits = try fields.inner("thresholds"), proof = try fields.inner("golden")
        let head = try fields.choice("head", ["ssd", "yolo", "yolox", "classifier"])
        name = try fields.name("name")
        version = try fields.name("version")
        files = try hashes(try fields.inner("files"))
        input = try ModelInput(try fields.inner("input"))
        output = try ModelOutput(head, try fields.inner("output"))
        labels = try fields.texts("labels", 2000, 64)
        let raising = try fields.inner("events")
        events = try raising.each { try raising.choice($0, ["person", "vehicle", "animal", "anomaly"]) }
        raiseAt = try limits.number("raise_at", 0, 1)
        clearAt = try limits.number("clear_at", 0, 1)
        minFrames = try fields.whole("min_frames", 1, 1000)
        golden = Golden(
            input: try proof.text("input"), output: try proof.text("output"),
            tolerance: try proof.number("tolerance", 0, 0.25))
        licence = try fields.text("licence")
        try checkProvenance(try fields.inner("provenance"))
        try check(isClassifier: kind == "classifier")
    }

    /// What no single field can be wrong about.
    private func check(isClassifier: Bool) throws {
        var isOutputOfOne = false
        if case .classifier = output { isOutputOfOne = true }
        if isClassifier != isOutputOfOne { throw BundleRefused(place: "output", why: "does not fit a \(kind)") }
        for label in events.keys where !labels.contains(label) {
            throw BundleRefused(place: "events.\(label)", why: "is not one of the labels")
        }
        if events.isEmpty || (isClassifier && events.count > 1) {
            let which = isClassifier ? "the one" : "a"
            throw BundleRefused(place: "events", why: "must name \(which) label that raises an event")
        }
        if clearAt > raiseAt { throw BundleRefused(place: "thresholds.clear_at", why: "must not be above raise_at") }
        if files[Self.onnx] != nil && files[Self.tflite] != nil {
            throw BundleRefused(place: "files.\(Self.onnx)", why: "must not be there beside \(Self.tflite)")
        }
        for name in [modelFile, golden.input, golden.output] where files[name] == nil {
            throw BundleRefused(place: "files.\(name)", why: "is missing")
        }
    }
}

/// An opened bundle: every file that the manifest names, as its hash says.
public struct ModelBundle {
    public let manifest: Manifest
    public let contents: [String: Data]
    public let isSigned: Bool

    public var model: Data { contents[manifest.modelFile]! }

    /// Opens the bundle in a folder. With `trustedKey`, the 32 bytes of an Ed25519 key (`smartcam sign` prints them), it
    /// must be signed by that. Throws `BundleRefused`.
    public init(_ folder: URL, trustedKey: Data? = nil) throws {
        let real = folder.resolvingSymlinksInPath()
        let document = try bytes(real, "manifest.json", largestManifest)
        if let trustedKey {
            try checkSignature(document, try bytes(real, "manifest.sig", signatureBytes), trustedKey)
        }
        manifest = try Manifest(document)
        isSigned = trustedKey != nil
        var contents: [String: Data] = [:]
        var left = largestBundle
        for name in manifest.files.keys.sorted() {
            let content = try bytes(real, name, left)
            left -= content.count
            contents[name] = content
        }
        for (name, digest) in manifest.files {
            let actual = SHA256.hash(data: contents[name]!).map { String(format: "%02x", $0) }.joined()
            if actual != digest {
                throw BundleRefused(place: name, why: "SHA-256 is \(actual), but the manifest says \(digest)")
            }
        }
        self.contents = contents
    }
}

private let largestManifest = 1 << 20, largestBundle = 1 << 28, signatureBytes = 64
private let deepest = 32, largestNumber = 1e9, smallestDivisor = 1e-12

/// A regular file's bytes; links are not followed, and a larger file is refused before it is read.
private func bytes(_ folder: URL, _ name: String, _ largest: Int) throws -> Data {
    let descriptor = open(folder.appendingPathComponent(name).path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw BundleRefused(place: name, why: "cannot be read (\(String(cString: strerror(errno)))); links are not followed")
    }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, Int(status.st_size) <= largest else {
        throw BundleRefused(place: name, why: "must be a regular file of at most \(largest) bytes")
    }
    do {
        return try file.read(upToCount: Int(status.st_size)) ?? Data()
    } catch {
        throw BundleRefused(place: name, why: "cannot be read (\(error))")
    }
}

private func checkSignature(_ document: Data, _ signature: Data, _ key: Data) throws {
    guard let known = try? Curve25519.Signing.PublicKey(rawRepresentation: key) else {
        throw BundleRefused(place: "manifest.sig", why: "cannot be checked: the trusted key is no Ed25519 key")
    }
    guard known.isValidSignature(signature, for: document) else {
        throw BundleRefused(
            place: "manifest.sig", why: "was not made with the trusted key, or the manifest was changed")
    }
}

/// The JSON object in a payload, at most `deepest` objects and lists deep.
private func parsed(_ document: Data) throws -> [String: Any] {
    var depth = 0, isText = false, isEscaped = false
    for byte in document {
        switch byte {
        case _ where isEscaped: isEscaped = false
        case UInt8(ascii: "\\") where isText: isEscaped = true
        case UInt8(ascii: "\""): isText.toggle()
        case UInt8(ascii: "{") where !isText, UInt8(ascii: "[") where !isText: depth += 1
        case UInt8(ascii: "}") where !isText, UInt8(ascii: "]") where !isText: depth -= 1
        default: break
        }
        if depth > deepest {
            throw BundleRefused(place: "manifest", why: "is not JSON (it is nested deeper than \(deepest))")
        }
    }
    guard String(data: document, encoding: .utf8) != nil, let found = try? JSONSerialization.jsonObject(with: document)
    else { throw BundleRefused(place: "manifest", why: "is not JSON") }
    guard let object = found as? [String: Any] else {
        throw BundleRefused(place: "manifest", why: "must be a JSON object")
    }
    return object
}

private func hashes(_ fields: Fields) throws -> [String: String] {
    if fields.keys.count > 16 { throw BundleRefused(place: fields.path, why: "must name at most 16 files") }
    for name in fields.keys where !matches(name, "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}") {
        throw BundleRefused(place: fields.place(name), why: "must be a plain file name")
    }
    return try fields.each { try fields.matching($0, "[0-9a-f]{64}") }
}

extension ModelInput {
    fileprivate init(_ fields: Fields) throws {
        if try fields.whole("channels", 0, Int.max) != 3 {
            throw BundleRefused(place: fields.place("channels"), why: "must be 3")
        }
        type = try fields.choice("dtype", ["uint8", "int8", "float32"])
        (scale, zeroPoint) = try quantisation(fields)
        if (type == "float32") != (scale == 0) {
            throw BundleRefused(
                place: fields.place("scale"), why: "must be 0 for float32 and above 0 for a quantised type")
        }
        mean = try fields.triple("mean")
        std = try fields.triple("std")
        if std.contains(where: { abs($0) < smallestDivisor }) {
            throw BundleRefused(place: fields.place("std"), why: "must not be 0 or nearer to it than \(smallestDivisor)")
        }
        width = try fields.whole("width", 1, 4096)
        height = try fields.whole("height", 1, 4096)
        colours = try fields.choice("colours", ["rgb", "bgr"])
        layout = try fields.choice("layout", ["nhwc", "nchw"])
        fit = try fields.choice("fit", ["stretch", "letterbox"])
        pad = try fields.whole("pad", 0, 255)
    }
}

extension ModelOutput {
    fileprivate init(_ head: String, _ fields: Fields) throws {
        let unit = { try fields.choice("unit", ["shares", "pixels"]) }
        let axes = { try fields.choice("axes", ["xy", "yx"]) }
        let candidates = { try fields.choice("candidates", ["rows", "columns"]) }
        let each = { try fields.choice("activation", ["probability", "sigmoid"]) }
        let index = { key in try fields.whole(key, 0, 63) }
        let maybe = { key in fields.has(key) ? try index(key) : nil }
        switch head {
        case "classifier":
            let (scale, zeroPoint) = try quantisation(fields)
            let activation = try fields.choice("activation", ["probability", "logits", "sigmoid"])
            self = .classifier(activation: activation, scale: scale, zeroPoint: zeroPoint)
        case "ssd":
            let places = try ["boxes", "classes", "scores", "count"].map(index)
            if Set(places).count != places.count {
                throw BundleRefused(place: fields.path, why: "must name four different outputs")
            }
            self = .ssd(
                boxes: places[0], classes: places[1], scores: places[2], count: places[3], axes: try axes(), unit: try unit())
        case "yolo":
            let objectness = try maybe("objectness"), classes = try maybe("classes")
            if objectness != nil && classes != nil {
                throw BundleRefused(place: fields.place("classes"), why: "must not be named beside objectness")
            }
            self = .yolo(
                boxes: try index("boxes"), scores: try index("scores"), objectness: objectness, classes: classes,
                candidates: try candidates(), form: try fields.choice("form", ["corners", "centres"]), axes: try axes(),
                unit: try unit(), activation: try each(),
                row: fields.has("row") ? try fields.choice("row", ["batch-box-class-score"]) : nil)
        default:
            let strides = try fields.list("strides", 6)
            self = .yolox(
                strides: try strides.keys.map { try strides.whole($0, 1, 128) }, candidates: try candidates(),
                activation: try each())
        }
    }
}

private func quantisation(_ fields: Fields) throws -> (Double, Int) {
    let scale = try fields.number("scale", 0, largestNumber)
    if scale > 0 && scale < smallestDivisor {
        throw BundleRefused(place: fields.place("scale"), why: "must be 0, or at least \(smallestDivisor)")
    }
    return (scale, try fields.whole("zero_point", -128, 255))
}

private func checkProvenance(_ fields: Fields) throws {
    for key in ["source", "command", "training"] where fields.has(key) { _ = try fields.text(key, 1024) }
    if fields.has("seed") { _ = try fields.whole("seed", 0, Int.max) }
}

private func matches(_ text: String, _ pattern: String) -> Bool {
    text.range(of: "^(?:\(pattern))\\z", options: .regularExpression) != nil
}

/// A JSON object, or a list by its places, that is read field by field; `path` leads to it in errors.
private struct Fields {
    let keys: [String]
    let path: String
    private let values: [String: Any]

    init(_ document: [String: Any], _ path: String) {
        (values, keys, self.path) = (document, document.keys.sorted(), path)
    }

    private init(items: [Any], _ path: String) {
        keys = items.indices.map(String.init)
        values = Dictionary(uniqueKeysWithValues: zip(keys, items))
        self.path = path
    }

    func place(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func has(_ key: String) -> Bool { !((values[key] ?? NSNull()) is NSNull) }

    func each(_ read: (String) throws -> String) rethrows -> [String: String] {
        Dictionary(uniqueKeysWithValues: try keys.map { ($0, try read($0)) })
    }

    func inner(_ key: String) throws -> Fields {
        guard let object = try present(key) as? [String: Any] else { throw wrong(key, "must be an object") }
        return Fields(object, place(key))
    }

    /// A list of 1 to `most` items.
    func list(_ key: String, _ most: Int) throws -> Fields {
        guard let items = try present(key) as? [Any] else { throw wrong(key, "must be a list") }
        guard (1...most).contains(items.count) else { throw wrong(key, "must have 1 to \(most) items") }
        return Fields(items: items, place(key))
    }

    func texts(_ key: String, _ most: Int, _ longest: Int) throws -> [String] {
        let items = try list(key, most)
        return try items.keys.map { try items.text($0, longest) }
    }

    func triple(_ key: String) throws -> [Double] {
        let colours = try list(key, 3)
        guard colours.keys.count == 3 else { throw wrong(key, "must be three numbers: red, green, blue") }
        return try colours.keys.map { try colours.number($0, -largestNumber, largestNumber) }
    }

    func text(_ key: String, _ longest: Int = 256) throws -> String {
        guard let text = try present(key) as? String else { throw wrong(key, "must be text") }
        let signs = text.unicodeScalars
        guard (1...longest).contains(signs.count) else { throw wrong(key, "must have 1 to \(longest) characters") }
        guard signs.allSatisfy(isPrintable) else { throw wrong(key, "must not hold control characters") }
        return text
    }

    func name(_ key: String) throws -> String { try matching(key, "[A-Za-z0-9][A-Za-z0-9._-]{0,63}") }

    func matching(_ key: String, _ pattern: String) throws -> String {
        let text = try text(key)
        guard matches(text, pattern) else { throw wrong(key, "must match \(pattern)") }
        return text
    }

    func choice(_ key: String, _ words: [String]) throws -> String {
        guard let word = try present(key) as? String else { throw wrong(key, "must be text") }
        guard words.contains(word) else { throw wrong(key, "must be one of \(words.joined(separator: ", "))") }
        return word
    }

    func whole(_ key: String, _ lowest: Int, _ highest: Int) throws -> Int {
        guard let number = try numeric(key), !isReal(number) else { throw wrong(key, "must be a whole number") }
        guard number.doubleValue >= Double(lowest), number.doubleValue <= Double(highest) else {
            throw wrong(key, "must be \(lowest) to \(highest)")
        }
        return number.intValue
    }

    func number(_ key: String, _ lowest: Double, _ highest: Double) throws -> Double {
        guard let number = try numeric(key)?.doubleValue else { throw wrong(key, "must be a number") }
        guard number >= lowest, number <= highest else { throw wrong(key, "must be \(lowest) to \(highest)") }
        return number
    }

    /// True and false are numbers to Foundation, of their own type.
    private func numeric(_ key: String) throws -> NSNumber? {
        guard let number = try present(key) as? NSNumber, !isTruth(number) else { return nil }
        return number
    }

    private func present(_ key: String) throws -> Any {
        guard has(key), let value = values[key] else { throw wrong(key, "is missing") }
        return value
    }

    private func wrong(_ key: String, _ why: String) -> BundleRefused { BundleRefused(place: place(key), why: why) }
}

private func isTruth(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

private func isReal(_ number: NSNumber) -> Bool { ["d", "f"].contains(String(cString: number.objCType)) }

private func isPrintable(_ sign: Unicode.Scalar) -> Bool {
    switch sign.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    case .spaceSeparator: sign == " "
    default: true
    }
}
