// Opens each bundle named on its command line (a key in hexadecimal before the first one, or -) and prints a line for each.
import java.nio.file.Paths
import smartcam.BundleRefused
import smartcam.ModelBundle

fun main(arguments: Array<String>) {
    val key = arguments[0].takeIf { it != "-" }?.chunked(2)?.map { it.toInt(16).toByte() }?.toByteArray()
    for (folder in arguments.drop(1)) {
        println(try {
            val bundle = ModelBundle.open(Paths.get(folder), key)
            val it = bundle.manifest
            listOf(
                "opened", it.name, it.version, it.kind, it.modelFile, bundle.model.size, it.input.width, it.input.height,
                it.input.type, it.input.scale, it.labels.joinToString("|"),
                it.events.entries.sortedBy { it.key }.joinToString("|") { "${it.key}=${it.value}" },
                it.raiseAt, it.clearAt, it.minFrames, it.golden.tolerance, bundle.isSigned
            ).joinToString("\t")
        } catch (error: BundleRefused) {
            "refused\t${error.place}\t${error.why}"
        })
    }
}
