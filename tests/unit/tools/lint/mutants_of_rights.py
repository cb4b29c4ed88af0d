"""Recipes whose configuration, rights or size is wrong."""

from tests.unit.tools.lint.mutants import CAPTURE, INFERENCE, MODEL, RUNTIME, broken

IN_RIGHTS = (
    # configuration
    broken(
        "configuration by another name",
        CAPTURE,
        "  DefaultConfiguration:",
        "  Defaultconfiguration:",
        "did you mean 'DefaultConfiguration'",
    ),
    broken(
        "a variable inside configuration",
        CAPTURE,
        "    cameras: {}",
        '    cameras: {"a": "{work:path}"}',
        "inside configuration",
    ),
    broken("nothing inside configuration", RUNTIME, '    python: ""', "    python:", "holds nothing"),
    broken(
        "access control by another name",
        CAPTURE,
        "    accessControl:",
        "    accesscontrol:",
        "must be written accessControl",
    ),
    # access control
    broken(
        "no access control",
        CAPTURE,
        "    accessControl:",
        "    other:",
        "accessControl is missing",
        at="  DefaultConfiguration:",
    ),
    broken(
        "an unknown service",
        CAPTURE,
        "aws.greengrass.ipc.pubsub",
        "aws.greengrass.ipc.pubsubs",
        "did you mean 'aws.greengrass.ipc.pubsub'",
    ),
    broken("opertaions", CAPTURE, "          operations:", "          opertaions:", "did you mean 'operations'"),
    broken(
        "an unknown operation",
        CAPTURE,
        "#PublishToTopic",
        "#PublishTopic",
        "did you mean 'aws.greengrass#PublishToTopic'",
    ),
    broken(
        "another service's operation",
        CAPTURE,
        "#PublishToTopic",
        "#PublishToIoTCore",
        "belongs to aws.greengrass.ipc.mqttproxy",
    ),
    broken("all operations", CAPTURE, "aws.greengrass#PublishToTopic", '"*"', "more than the code uses", at='- "*"'),
    broken(
        "an operation on another's resource",
        INFERENCE,
        "            - aws.greengrass#SubscribeToIoTCore\n",
        "            - aws.greengrass#SubscribeToIoTCore\n            - aws.greengrass#PublishToIoTCore\n",
        "the code uses no aws.greengrass#PublishToIoTCore on 'smartcam/v1/+/ack'",
        at="- smartcam/v1/+/ack",
    ),
    broken(
        "all resources", CAPTURE, "            - smartcam/frames/*", '            - "*"', "wider than the code uses"
    ),
    broken(
        "a wider resource",
        CAPTURE,
        "            - smartcam/frames/*",
        "            - smartcam/*",
        "the code uses no",
        at="- smartcam/*",
    ),
    broken(
        "a misspelt resource",
        CAPTURE,
        "            - smartcam/frames/*",
        "            - smartcam/frame/*",
        "did you mean 'smartcam/frames/*'",
        at="smartcam/frame/*",
    ),
    broken(
        "everything in the cloud",
        INFERENCE,
        "            - smartcam/v1/+/+/event",
        '            - "#"',
        "wider than the code uses",
    ),
    broken(
        "a variable in a resource",
        INFERENCE,
        "smartcam/v1/+/ack",
        "smartcam/v1/{iot:thingName}/ack",
        "write '*', '+' or '#'",
    ),
    broken(
        "a policy variable in a resource",
        INFERENCE,
        "smartcam/v1/+/ack",
        "smartcam/v1/${iot:Connection.Thing.ThingName}/ack",
        "write '*', '+' or '#'",
    ),
    broken(
        "no resource",
        CAPTURE,
        "          resources:\n            - smartcam/frames/*",
        "          resources: []",
        "must name at least one",
    ),
    broken(
        "too little",
        INFERENCE,
        "            - smartcam/v1/+/health\n",
        "",
        "smartcam/v1/+/health, which no policy allows",
        at="accessControl:",
    ),
    broken(
        "another component's policy",
        CAPTURE,
        "smartcam.Capture:pubsub:1",
        "smartcam.Inference:pubsub:1",
        "must be called smartcam.Capture:",
    ),
    # sizes
    broken(
        "a recipe over lite's size",
        MODEL,
        "Manifests:",
        "# " + "x" * 8200 + "\nManifests:",
        "nucleus lite reads 8196",
        at="# The model bundles.",
    ),
    broken(
        "a script over lite's size",
        MODEL,
        "        Script: |\n",
        "        Script: |\n" + "          : \n" * 4000,
        "has more than the 10000 bytes",
        at="Script: |",
    ),
)
