"""A small stack of the same make as the real one, as an assembly that the CDK CLI deploys without synthesis."""

import json
from pathlib import Path
from typing import Final

THING: Final = "cam-1"
POLICY: Final = "device-cam-1"
EMAIL: Final = "person@example.com"
PHONE: Final = "+491700000001"
STACK: Final = "Sample"

_HANDLER: Final = """
import json, os, boto3
def handler(event, context):
    if event["kind"] == "failure":
        raise RuntimeError("as asked")
    texts = {"default": "d", "email": "mail: " + event["text"], "sms": "text: " + event["text"]}
    attributes = {name: {"DataType": "String", "StringValue": event[name]} for name in ("event_id", "kind")}
    boto3.client("sns").publish(TopicArn=os.environ["TOPIC"], Subject="Alert", Message=json.dumps(texts),
                                MessageStructure="json", MessageAttributes=attributes)
    boto3.client("iot-data").publish(topic="smartcam/v1/" + event["thing"] + "/ack", qos=1, payload=event["event_id"])
"""


def write_assembly(folder: Path) -> Path:
    """Write the assembly into a new folder and return it."""
    folder.mkdir()
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://000000000000/eu-west-1",
        "properties": {"templateFile": "sample.template.json"},
    }
    (folder / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {STACK: stack}}))
    (folder / "sample.template.json").write_text(json.dumps(_template()))
    return folder


def _template() -> object:
    return {
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Mail": _subscription("email", EMAIL),
            "Text": _subscription("sms", PHONE),
            "OtherText": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {
                    "TopicArn": {"Ref": "Topic"},
                    "Protocol": "sms",
                    "Endpoint": "+491700000002",
                    "FilterPolicy": {"kind": ["vehicle"]},
                },
            },
            "Failures": {"Type": "AWS::SQS::Queue"},
            "Errors": {"Type": "AWS::SQS::Queue"},
            "Role": _role(),
            **_function("Function", may_be_started=True),
            **_function("Forbidden", may_be_started=False),
            "Policy": {
                "Type": "AWS::IoT::Policy",
                "Properties": {"PolicyName": POLICY, "PolicyDocument": _device_policy()},
            },
        },
        "Outputs": {
            "Failures": {"Value": {"Ref": "Failures"}},
            "Errors": {"Value": {"Ref": "Errors"}},
            "Topic": {"Value": {"Ref": "Topic"}},
        },
    }


def _subscription(protocol: str, endpoint: str) -> object:
    return {
        "Type": "AWS::SNS::Subscription",
        "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": protocol, "Endpoint": endpoint},
    }


def _function(name: str, *, may_be_started: bool) -> dict[str, object]:
    topic = "event" if may_be_started else "forbidden"
    arn = {"Fn::GetAtt": [name, "Arn"]}
    parts: dict[str, object] = {
        name: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Code": {"ZipFile": _HANDLER},
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Timeout": 10,
                "ReservedConcurrentExecutions": 2,
                "Environment": {"Variables": {"TOPIC": {"Ref": "Topic"}}},
            },
        },
        f"{name}Invoke": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": {"Ref": name},
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 1,
                "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Failures", "Arn"]}}},
            },
        },
        f"{name}Rule": {
            "Type": "AWS::IoT::TopicRule",
            "Properties": {
                "RuleName": f"rule_{topic}",
                "TopicRulePayload": {
                    "Sql": f"SELECT *, topic(3) AS thing FROM 'smartcam/v1/+/+/{topic}'",  # noqa: S608 - IoT's
                    "AwsIotSqlVersion": "2016-03-23",
                    "Actions": [{"Lambda": {"FunctionArn": arn}}],
                    "ErrorAction": {"Sqs": {"QueueUrl": {"Ref": "Errors"}, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}}},
                },
            },
        },
    }
    if may_be_started:
        parts[f"{name}Permission"] = {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": arn,
                "Action": "lambda:InvokeFunction",
                "Principal": "iot.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": [f"{name}Rule", "Arn"]},
            },
        }
    return parts


def _role() -> object:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": ["lambda.amazonaws.com", "iot.amazonaws.com"]},
        "Action": "sts:AssumeRole",
    }
    grants = [
        {"Effect": "Allow", "Action": "sns:Publish", "Resource": {"Ref": "Topic"}},
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Failures", "Arn"]}},
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Errors", "Arn"]}},
        {"Effect": "Allow", "Action": "iot:Publish", "Resource": "*"},
    ]
    policy = {"PolicyName": "work", "PolicyDocument": {"Version": "2012-10-17", "Statement": grants}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [policy],
        },
    }


def _device_policy() -> object:
    prefix = "arn:aws:iot:*:*:"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "iot:Connect", "Resource": f"{prefix}client/{THING}"},
            {"Effect": "Allow", "Action": "iot:Publish", "Resource": f"{prefix}topic/smartcam/v1/{THING}/*"},
            {"Effect": "Allow", "Action": "iot:Receive", "Resource": f"{prefix}topic/smartcam/v1/{THING}/ack"},
            {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": f"{prefix}topicfilter/smartcam/v1/{THING}/ack"},
        ],
    }
