// Reads a Smartcam bundle on a phone or in any JVM: the manifest field by field, every file by its SHA-256, and the
// signature where a key is trusted, as a device does (docs/design/bundle.md). Copy this one file into your app.
//
// It needs org.json, which Android has, and java.nio.file (Android 8). What it does not do is run the model: do with
// `golden` what the device does, and compare your runtime's answer with the one that the bundle brings.
package smartcam

import java.io.IOException
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.StandardCharsets
import java.nio.file.Files
import java.nio.file.LinkOption
import java.nio.file.Path
import java.nio.file.StandardOpenOption
import java.nio.file.attribute.BasicFileAttributes
import java.security.GeneralSecurityException
import java.security.KeyFactory
import java.security.MessageDigest
import java.security.Signature
import java.security.spec.X509EncodedKeySpec
import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject
import org.json.JSONTokener

/** Why a bundle is not taken: the file or the manifest's field, and what is wrong with it. */
class BundleRefused(val place: String, val why: String) : Exception("$place: $why")

/**
 * The picture that the model takes. A sample p of 0 to 255 becomes `(p - mean) / std`, and for a quantised type
 * `round(that / scale) + zeroPoint`, clipped to the type. `mean` and `std` are of red, green and blue.
 */
data class ModelInput(
    val width: Int,
    val height: Int,
    val type: String,
    val scale: Double,
    val zeroPoint: Int,
    val mean: List<Double>,
    val std: List<Double>,
    val colours: String,
    val layout: String,
    val fit: String,
    val pad: Int
)

/** How the model's outputs are read; numbers such as `boxes` are the places of outputs. */
sealed class ModelOutput {
    data class Classifier(val activation: String, val scale: Double, val zeroPoint: Int) : ModelOutput()

    data class Ssd(
        val boxes: Int,
        val classes: Int,
        val scores: Int,
        val count: Int,
        val axes: String,
        val unit: String
    ) : ModelOutput()

    data class Yolo(
        val boxes: Int,
        val scores: Int,
        val objectness: Int?,
        val classes: Int?,
        val candidates: String,
        val form: String,
        val axes: String,
        val unit: String,
        val activation: String,
        val row: String?
    ) : ModelOutput()

    data class Yolox(val strides: List<Int>, val candidates: String, val activation: String) : ModelOutput()
}

/** A picture, RGB bytes of the model's size, and the answer that the model gave to it, JSON: files of the bundle. */
data class Golden(val input: String, val output: String, val tolerance: Double)

/** What a bundle says of its model. `files`: the SHA-256 of every other file. `events`: what each label raises. */
data class Manifest(
    val name: String,
    val version: String,
    val kind: String,
    val files: Map<String, String>,
    val input: ModelInput,
    val output: ModelOutput,
    val labels: List<String>,
    val events: Map<String, String>,
    val raiseAt: Double,
    val clearAt: Double,
    val minFrames: Int,
    val golden: Golden,
    val licence: String
) {
    val modelFile: String get() = if (ONNX in files) ONNX else TFLITE

    companion object {
        const val TFLITE = "model.tflite"
        const val ONNX = "model.onnx"

        /** The manifest in these bytes. Throws [BundleRefused], which names the first wrong field. */
        fun read(document: ByteArray): Manifest {
            val fields = Fields(parsed(document), "")
            val kind = fields.choice("kind", "detector", "classifier")
            if (fields.whole("schema", 0, Int.MAX_VALUE) != 2) {
                throw BundleRefused("schema", "must be 2; update the side that does not know it")
            }
            val limits = fields.inner("thresholds")
            val head = fields.choice("head", "ssd", "yolo", "yolox", "classifier")
            val golden = fields.inner("golden")
            val read = Manifest(
                name = fields.name("name"),
                version = fields.name("version"),
                kind = kind,
                files = files(fields.inner("files")),
                input = input(fields.inner("input")),
                output = output(head, fields.inner("output")),
                labels = fields.texts("labels", 2000, 64),
                events = events(fields.inner("events")),
                raiseAt = limits.number("raise_at", 0.0, 1.0),
                clearAt = limits.number("clear_at", 0.0, 1.0),
                minFrames = fields.whole("min_frames", 1, 1000),
                golden = Golden(golden.text("input"), golden.text("output"), golden.number("tolerance", 0.0, 0.25)),
                licence = fields.text("licence")
            )
            provenance(fields.inner("provenance"))
            read.check()
            return read
        }
    }

    /** What no single field can be wrong about. */
    private fun check() {
        val isClassifier = kind == "classifier"
        if (isClassifier != (output is ModelOutput.Classifier)) throw BundleRefused("output", "does not fit a $kind")
        for (label in events.keys) {
            if (label !in labels) throw BundleRefused("events.$label", "is not one of the labels")
        }
        if (events.isEmpty() || (isClassifier && events.size > 1)) {
            throw BundleRefused("events", "must name " + (if (isClassifier) "the one" else "a") + " label that raises an event")
        }
        if (clearAt > raiseAt) throw BundleRefused("thresholds.clear_at", "must not be above raise_at")
        if (ONNX in files && TFLITE in files) throw BundleRefused("files.$ONNX", "must not be there beside $TFLITE")
        for (name in listOf(modelFile, golden.input, golden.output)) {
            if (name !in files) throw BundleRefused("files.$name", "is missing")
        }
    }
}

/** An opened bundle: every file that the manifest names, as its hash says. */
class ModelBundle private constructor(
    val manifest: Manifest,
    val contents: Map<String, ByteArray>,
    val isSigned: Boolean
) {
    val model: ByteArray get() = contents.getValue(manifest.modelFile)

    companion object {
        private const val LARGEST_MANIFEST = 1L shl 20
        private const val LARGEST_BUNDLE = 1L shl 28
        private const val SIGNATURE_BYTES = 64L

        /**
         * Opens the bundle in a folder. With `trustedKey`, the 32 bytes of an Ed25519 key (`smartcam sign` prints
         * them), it must be signed by that. Throws [BundleRefused].
         */
        fun open(folder: Path, trustedKey: ByteArray? = null): ModelBundle {
            val real = try {
                folder.toRealPath()
            } catch (error: IOException) {
                throw BundleRefused("$folder", "no bundle found")
            }
            val document = bytes(real, "manifest.json", LARGEST_MANIFEST)
            if (trustedKey != null) checkSignature(document, bytes(real, "manifest.sig", SIGNATURE_BYTES), trustedKey)
            val manifest = Manifest.read(document)
            val contents = LinkedHashMap<String, ByteArray>()
            var left = LARGEST_BUNDLE
            for (name in manifest.files.keys) {
                val content = bytes(real, name, left)
                left -= content.size
                contents[name] = content
            }
            for ((name, digest) in manifest.files) {
                val actual = hexadecimal(MessageDigest.getInstance("SHA-256").digest(contents.getValue(name)))
                if (actual != digest) throw BundleRefused(name, "SHA-256 is $actual, but the manifest says $digest")
            }
            return ModelBundle(manifest, contents, trustedKey != null)
        }

        /** A regular file's bytes; links are not followed, and a larger file is refused before it is read. */
        private fun bytes(folder: Path, name: String, largest: Long): ByteArray {
            val path = folder.resolve(name)
            try {
                val found = Files.readAttributes(path, BasicFileAttributes::class.java, LinkOption.NOFOLLOW_LINKS)
                if (!found.isRegularFile || found.size() > largest) {
                    throw BundleRefused(name, "must be a regular file of at most $largest bytes")
                }
                val buffer = ByteBuffer.allocate(found.size().toInt())
                Files.newByteChannel(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS).use {
                    while (buffer.hasRemaining() && it.read(buffer) >= 0) Unit
                }
                return buffer.array().copyOf(buffer.position())
            } catch (error: IOException) {
                throw BundleRefused(name, "cannot be read (${error.javaClass.simpleName}); links are not followed")
            }
        }

        /** A phone whose Java has no Ed25519 refuses the bundle: it cannot know who made it. */
        private fun checkSignature(document: ByteArray, signature: ByteArray, key: ByteArray) {
            val isGood = try {
                val known = KeyFactory.getInstance("Ed25519").generatePublic(X509EncodedKeySpec(ED25519 + key))
                Signature.getInstance("Ed25519").run {
                    initVerify(known)
                    update(document)
                    verify(signature)
                }
            } catch (error: GeneralSecurityException) {
                throw BundleRefused("manifest.sig", "cannot be checked (${error.message})")
            }
            if (!isGood) {
                throw BundleRefused("manifest.sig", "was not made with the trusted key, or the manifest was changed")
            }
        }

        /** What stands before the 32 bytes of a key in X.509's form (RFC 8410). */
        private val ED25519 = byteArrayOf(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00)

        private fun hexadecimal(bytes: ByteArray) = bytes.joinToString("") { "%02x".format(it) }
    }
}

private const val DEEPEST = 32
private const val LARGEST_NUMBER = 1e9
private const val SMALLEST_DIVISOR = 1e-12
private val NAME = Regex("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
private val FILE_NAME = Regex("[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
private val SHA256 = Regex("[0-9a-f]{64}")

/** The JSON object in a payload, at most [DEEPEST] objects and lists deep. org.json forgives more than a device does. */
private fun parsed(document: ByteArray): JSONObject {
    try {
        val text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(document)).toString()
        var depth = 0
        var isText = false
        var isEscaped = false
        for (sign in text) {
            when {
                isEscaped -> isEscaped = false
                isText && sign == '\\' -> isEscaped = true
                sign == '"' -> isText = !isText
                !isText && (sign == '{' || sign == '[') -> depth += 1
                !isText && (sign == '}' || sign == ']') -> depth -= 1
            }
            if (depth > DEEPEST) throw BundleRefused("manifest", "is not JSON (it is nested deeper than $DEEPEST)")
        }
        val tokens = JSONTokener(text)
        val found = tokens.nextValue() as? JSONObject ?: throw BundleRefused("manifest", "must be a JSON object")
        if (tokens.nextClean() != 0.toChar()) throw BundleRefused("manifest", "is not JSON (more than one value)")
        return found
    } catch (error: CharacterCodingException) {
        throw BundleRefused("manifest", "is not JSON (not UTF-8)")
    } catch (error: JSONException) {
        throw BundleRefused("manifest", "is not JSON (${error.message})")
    }
}

private fun files(fields: Fields): Map<String, String> {
    if (fields.keys.size > 16) throw BundleRefused(fields.path, "must name at most 16 files")
    for (name in fields.keys) {
        if (!FILE_NAME.matches(name)) throw BundleRefused(fields.place(name), "must be a plain file name")
    }
    return fields.keys.associate { it to fields.matching(it, SHA256) }
}

private fun input(fields: Fields): ModelInput {
    if (fields.whole("channels", 0, Int.MAX_VALUE) != 3) throw BundleRefused(fields.place("channels"), "must be 3")
    val type = fields.choice("dtype", "uint8", "int8", "float32")
    val (scale, zeroPoint) = quantisation(fields)
    if ((type == "float32") != (scale == 0.0)) {
        throw BundleRefused(fields.place("scale"), "must be 0 for float32 and above 0 for a quantised type")
    }
    val std = fields.triple("std")
    if (std.any { Math.abs(it) < SMALLEST_DIVISOR }) {
        throw BundleRefused(fields.place("std"), "must not be 0 or nearer to it than $SMALLEST_DIVISOR")
    }
    return ModelInput(
        fields.whole("width", 1, 4096), fields.whole("height", 1, 4096), type, scale, zeroPoint, fields.triple("mean"), std,
        fields.choice("colours", "rgb", "bgr"), fields.choice("layout", "nhwc", "nchw"),
        fields.choice("fit", "stretch", "letterbox"), fields.whole("pad", 0, 255)
    )
}

private fun output(head: String, fields: Fields): ModelOutput = when (head) {
    "classifier" -> {
        val (scale, zeroPoint) = quantisation(fields)
        ModelOutput.Classifier(fields.choice("activation", "probability", "logits", "sigmoid"), scale, zeroPoint)
    }
    "ssd" -> {
        val places = listOf("boxes", "classes", "scores", "count").map { fields.whole(it, 0, 63) }
        if (places.toSet().size != places.size) throw BundleRefused(fields.path, "must name four different outputs")
        val (boxes, classes, scores, count) = places
        ModelOutput.Ssd(boxes, classes, scores, count, fields.choice("axes", "xy", "yx"), unit(fields))
    }
    "yolo" -> {
        val (objectness, classes) = listOf("objectness", "classes").map { if (fields.has(it)) fields.whole(it, 0, 63) else null }
        if (objectness != null && classes != null) {
            throw BundleRefused(fields.place("classes"), "must not be named beside objectness")
        }
        ModelOutput.Yolo(
            fields.whole("boxes", 0, 63), fields.whole("scores", 0, 63), objectness, classes, candidates(fields),
            fields.choice("form", "corners", "centres"), fields.choice("axes", "xy", "yx"), unit(fields), each(fields),
            if (fields.has("row")) fields.choice("row", "batch-box-class-score") else null
        )
    }
    else -> {
        val strides = fields.list("strides", 6)
        ModelOutput.Yolox(strides.keys.map { strides.whole(it, 1, 128) }, candidates(fields), each(fields))
    }
}

private fun quantisation(fields: Fields): Pair<Double, Int> {
    val scale = fields.number("scale", 0.0, LARGEST_NUMBER)
    if (scale > 0 && scale < SMALLEST_DIVISOR) {
        throw BundleRefused(fields.place("scale"), "must be 0, or at least $SMALLEST_DIVISOR")
    }
    return Pair(scale, fields.whole("zero_point", -128, 255))
}

private fun unit(fields: Fields) = fields.choice("unit", "shares", "pixels")

private fun candidates(fields: Fields) = fields.choice("candidates", "rows", "columns")

private fun each(fields: Fields) = fields.choice("activation", "probability", "sigmoid")

private fun events(fields: Fields) =
    fields.keys.associate { it to fields.choice(it, "person", "vehicle", "animal", "anomaly") }

private fun provenance(fields: Fields) {
    for (key in listOf("source", "command", "training")) if (fields.has(key)) fields.text(key, 1024)
    if (fields.has("seed")) fields.long("seed", 0, Long.MAX_VALUE)
}

/** A JSON object, or a list by its places, that is read field by field; `path` leads to it in errors. */
private class Fields(private val values: Map<String, Any?>, val path: String) {
    constructor(document: JSONObject, path: String) :
        this(document.keys().asSequence().associate { it to document.get(it) }, path)

    val keys get() = values.keys

    fun place(key: String) = if (path == "") key else "$path.$key"

    fun has(key: String) = values[key] != null && values[key] != JSONObject.NULL

    fun inner(key: String) = Fields(present(key) as? JSONObject ?: wrong(key, "must be an object"), place(key))

    /** A list of 1 to `most` items. */
    fun list(key: String, most: Int): Fields {
        val items = present(key) as? JSONArray ?: wrong(key, "must be a list")
        if (items.length() !in 1..most) wrong(key, "must have 1 to $most items")
        return Fields((0 until items.length()).associate { it.toString() to items.get(it) }, place(key))
    }

    fun texts(key: String, most: Int, longest: Int) = list(key, most).run { keys.map { text(it, longest) } }

    fun triple(key: String): List<Double> {
        val colours = list(key, 3)
        if (colours.keys.size != 3) wrong(key, "must be three numbers: red, green, blue")
        return colours.keys.map { colours.number(it, -LARGEST_NUMBER, LARGEST_NUMBER) }
    }

    fun text(key: String, longest: Int = 256): String {
        val text = present(key) as? String ?: wrong(key, "must be text")
        if (text.codePointCount(0, text.length) !in 1..longest) wrong(key, "must have 1 to $longest characters")
        if (!text.codePoints().allMatch(::isPrintable)) wrong(key, "must not hold control characters")
        return text
    }

    fun name(key: String) = matching(key, NAME)

    fun matching(key: String, pattern: Regex): String {
        val text = text(key)
        if (!pattern.matches(text)) wrong(key, "must match $pattern")
        return text
    }

    fun choice(key: String, vararg words: String): String {
        val word = present(key) as? String ?: wrong(key, "must be text")
        if (word !in words) wrong(key, "must be one of ${words.joinToString()}")
        return word
    }

    fun whole(key: String, lowest: Int, highest: Int) = long(key, lowest.toLong(), highest.toLong()).toInt()

    fun long(key: String, lowest: Long, highest: Long): Long {
        val number = present(key)
        if (number !is Int && number !is Long) wrong(key, "must be a whole number")
        val value = (number as Number).toLong()
        if (value < lowest || value > highest) wrong(key, "must be $lowest to $highest")
        return value
    }

    fun number(key: String, lowest: Double, highest: Double): Double {
        val number = (present(key) as? Number ?: wrong(key, "must be a number")).toDouble()
        if (!(number >= lowest && number <= highest)) wrong(key, "must be $lowest to $highest")
        return number
    }

    private fun present(key: String): Any = if (has(key)) values.getValue(key)!! else wrong(key, "is missing")

    private fun wrong(key: String, why: String): Nothing = throw BundleRefused(place(key), why)

    private fun isPrintable(sign: Int) = sign == ' '.toInt() || when (Character.getType(sign).toByte()) {
        Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
        Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SPACE_SEPARATOR -> false
        else -> true
    }
}
