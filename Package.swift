// swift-tools-version: 6.1
import PackageDescription

let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
]
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")

// A candidate's row, its texts and its times are of one module, and who reads and writes them a hundred times a line is of
// others: without this each time is a call. It takes a quarter of the time to read a line away. No other setting inlines
// what is `package`; SwiftPM calls all such flags unsafe, for packages that depend on this one.
let inlined: [SwiftSetting] = [.unsafeFlags(["-enable-cmo-everything"], .when(configuration: .release))]

let package = Package(
  name: "rouse",
  products: [
    .executable(name: "rouse-server", targets: ["rouse-server"]),
    .executable(name: "rouse", targets: ["rouse"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .target(name: "RouseCore", dependencies: ["COpenSSL"], swiftSettings: inlined),
    .target(name: "RousePolicy", dependencies: ["RouseCore", .product(name: "Yams", package: "Yams")]),
    // A header alone, and so no target with sources of its own.
    .systemLibrary(name: "CScan"),
    .target(name: "RouseWire", dependencies: ["RouseCore", "CScan"]),
    .target(name: "RouseTLS", dependencies: ["COpenSSL"] + nio),
    .target(
      name: "RouseLedger",
      dependencies: [
        "RouseCore", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ]),
    .target(name: "RouseReview", dependencies: ["RouseCore", "RousePolicy", "RouseWire"]),
    .target(
      name: "RouseServer",
      dependencies: [
        "COpenSSL", "RouseCore", "RousePolicy", "RouseWire", "RouseTLS", "RouseLedger", "RouseReview", logging,
        lifecycle, .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ]
        + nio),
    .target(
      name: "RouseClient",
      dependencies: [
        "RouseCore", "RouseWire", "RouseTLS", .product(name: "Histogram", package: "hdrhistogram-swift"),
      ] + nio),
    .executableTarget(
      name: "rouse-server",
      dependencies: [
        "RouseServer", "RouseCore", "RouseLedger", "RousePolicy", "RouseTLS", "RouseWire", arguments, logging,
        lifecycle,
        signals,
      ]),
    .executableTarget(
      name: "rouse",
      dependencies: [
        "COpenSSL", "RouseClient", "RouseCore", "RousePolicy", "RouseReview", "RouseWire", "RouseTLS", arguments,
      ],
      path: "tools/rouse"),
    .executableTarget(name: "make-candidates", dependencies: [arguments], path: "tools/candidates"),
    .executableTarget(
      name: "kernels", dependencies: ["RouseCore", "RousePolicy", "RouseWire", arguments], path: "tools/kernels"),
    .target(name: "TestData", path: "Tests/TestData"),
    .target(name: "TestPeers", dependencies: ["COpenSSL"], path: "Tests/TestPeers"),
    .testTarget(name: "RouseCoreTests", dependencies: ["RouseCore", "TestData"]),
    .testTarget(name: "RousePolicyTests", dependencies: ["RousePolicy", "RouseCore", "TestData"]),
    .testTarget(name: "RouseWireTests", dependencies: ["RouseWire", "RousePolicy", "RouseCore", "TestData"]),
    .testTarget(name: "RouseTLSTests", dependencies: ["RouseTLS", "COpenSSL", "TestData", "TestPeers"] + nio),
    .testTarget(
      name: "RouseLedgerTests",
      dependencies: ["RouseLedger", "RouseCore", "TestData", .product(name: "GRDB", package: "GRDB.swift")]),
    .testTarget(
      name: "RouseReviewTests", dependencies: ["RouseReview", "RousePolicy", "RouseWire", "RouseCore", "TestData"]),
    .testTarget(
      name: "RouseClientTests",
      dependencies: ["RouseClient", "RouseWire", "RouseTLS", .product(name: "NIOCore", package: "swift-nio")]),
    .testTarget(
      name: "RouseServerTests",
      dependencies: [
        "RouseServer", "RouseCore", "RousePolicy", "RouseWire", "RouseTLS", "RouseLedger", "RouseReview", "COpenSSL",
        "TestData", "TestPeers", "rouse-server", "rouse", logging,
      ] + nio),
  ],
  swiftLanguageModes: [.v6]
)

// What `tools/fuzz` builds with sanitizers, in a folder of its own; `tools/test` only builds it.
if Context.environment["ROUSE_FUZZ"] != nil {
  package.products.append(.library(name: "FuzzTargets", type: .static, targets: ["FuzzTargets"]))
  package.targets.append(
    .target(
      name: "FuzzTargets", dependencies: ["RouseServer", "RouseCore", "RousePolicy", "RouseWire", "RouseTLS"],
      path: "tools/fuzzing", exclude: ["corpus", "seeds.py"]))
}
