// What the reader uses of swift-crypto, which no package of Debian has, on Debian's OpenSSL: for the check only.
import Foundation

@_silgen_name("SHA256") private func opensslSha256(_ bytes: UnsafePointer<UInt8>?, _ count: Int, _ into: UnsafeMutablePointer<UInt8>) -> OpaquePointer?
@_silgen_name("EVP_PKEY_new_raw_public_key") private func opensslKey(_ kind: Int32, _ engine: OpaquePointer?, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> OpaquePointer?
@_silgen_name("EVP_MD_CTX_new") private func opensslContext() -> OpaquePointer?
@_silgen_name("EVP_DigestVerifyInit") private func opensslBegin(_ context: OpaquePointer?, _ inner: OpaquePointer?, _ digest: OpaquePointer?, _ engine: OpaquePointer?, _ key: OpaquePointer?) -> Int32
@_silgen_name("EVP_DigestVerify") private func opensslVerify(_ context: OpaquePointer?, _ signature: UnsafePointer<UInt8>, _ size: Int, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32

private let ed25519: Int32 = 1087

public enum SHA256 {
    public static func hash(data: Data) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        _ = opensslSha256([UInt8](data), data.count, &digest)
        return digest
    }
}

public enum Curve25519 {
    public enum Signing {
        public struct PublicKey {
            private let key: OpaquePointer

            public struct NoKey: Error {}

            public init(rawRepresentation: Data) throws {
                guard let key = opensslKey(ed25519, nil, [UInt8](rawRepresentation), rawRepresentation.count) else {
                    throw NoKey()
                }
                self.key = key
            }

            public func isValidSignature(_ signature: Data, for data: Data) -> Bool {
                let context = opensslContext()
                return opensslBegin(context, nil, nil, nil, key) == 1
                    && opensslVerify(context, [UInt8](signature), signature.count, [UInt8](data), data.count) == 1
            }
        }
    }
}
