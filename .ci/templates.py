"""What linters do not know about both templates and samconfig.toml: that they fit each other. It needs the tools of `.ci/run` or of
`pipx install aws-sam-cli`, whose parsers it uses, and no account.

check               fails where they do not fit
iam                 fails on a policy in which parliament finds a fault, after SAM's transform
parameters          reads outputs of infrastructure.yaml as JSON, writes those that are parameters of template.yaml
reserved ENV        how many executions at once functions reserve in an environment
setting ENV NAME    a setting of an environment, or the value that a parameter has there
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
try:
    import samcli
    import tomllib
    from samtranslator.yaml_helper import yaml_parse
except ImportError:
    # `sam` of pipx has an environment of its own.
    import os
    import shutil

    sam = shutil.which("sam")
    first = pathlib.Path(sam).read_text().splitlines()[0][2:].strip() if sam else ""
    if not first or first == sys.executable:
        sys.exit("aws-sam-cli is missing, or Python older than 3.11: pipx install aws-sam-cli")
    os.execv(first, [first, *sys.argv])

# Outputs for people.
NOT_PARAMETERS = {"NatAddresses"}
# Names in guides that are AWS's own.
AWS_NAMES = {"AutoDeploy", "FunctionError"}
# What parliament finds and is meant so: Lambda makes interfaces in any subnet, and parliament knows no keys of Lambda's.
MEANT = {("NetworkAccess", "RESOURCE_STAR"), ("NetworkAccess", "UNKNOWN_CONDITION_FOR_ACTION")}
# CloudFormation's limits, with some room for what comes.
MOST_RESOURCES, MOST_PARAMETERS = 470, 190
# The longest name of a function.
NAME = 64


def template(name):
    return yaml_parse((ROOT / name).read_text())


def environments():
    return tomllib.loads((ROOT / "samconfig.toml").read_text())


def deploy(environment):
    found = environments().get(environment, {}).get("deploy", {}).get("parameters")
    if not found:
        sys.exit(f"samconfig.toml has no environment {environment}")
    return found


def overrides(settings):
    return {key: value for part in settings["parameter_overrides"] if isinstance(part, dict) for key, value in part.items()}


def setting(environment, name):
    settings = deploy(environment)
    if name in settings:
        return settings[name]
    parameters = template(settings.get("template_file", "template.yaml"))["Parameters"]
    return overrides(settings).get(name, parameters[name].get("Default", ""))


def parameters():
    outputs = {output["OutputKey"]: output["OutputValue"] for output in json.load(sys.stdin)}
    for name, value in outputs.items():
        if name not in NOT_PARAMETERS:
            print(f"{name}: {json.dumps(value)}")


def reserved(environment):
    """Every function that says so, in numbers or by a parameter, where its parameter is not 0."""
    total = 0
    for resource in template("template.yaml")["Resources"].values():
        value = resource.get("Properties", {}).get("ReservedConcurrentExecutions")
        if value is not None:
            condition, number, _ = value["Fn::If"]
            most = int(setting(environment, {"LimitsMysql": "MysqlConcurrency", "LimitsInspect": "InspectConcurrency"}[condition]))
            total += min(number, most) if isinstance(number, int) else most
    return total


def transformed():
    """What SAM makes of template.yaml, here instead of at AWS."""
    import logging
    import os

    import boto3
    from samcli.lib.translate.sam_template_validator import Translator
    from samtranslator.parser.parser import Parser

    logging.disable(logging.WARNING)
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    document = template("template.yaml")
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    session = boto3.Session(region_name=os.environ["AWS_DEFAULT_REGION"])
    translator = Translator(managed_policy_map={}, sam_parser=Parser(), plugins=[], boto_session=session)
    values = {name: "x" for name, parameter in document["Parameters"].items() if "Default" not in parameter}
    return translator.translate(sam_template=document, parameter_values=values)


def fits():
    wrong = []
    app, infrastructure = template("template.yaml"), template("infrastructure.yaml")
    outputs, declared = set(infrastructure["Outputs"]) - NOT_PARAMETERS, app["Parameters"]
    wrong += [f"the output {name} is no parameter of template.yaml" for name in outputs - set(declared)]
    needed = {name for name, parameter in declared.items() if "Default" not in parameter}
    wrong += [f"the parameter {name} has neither a default nor an output" for name in needed - outputs]
    for name in NOT_PARAMETERS & set(declared):
        wrong.append(f"{name} is a parameter, so it should be given")

    longest = max(len(text) for text in re.findall(r"FunctionName: !Sub \$\{AWS::StackName\}(\S+)", (ROOT / "template.yaml").read_text()))
    for environment, commands in environments().items():
        if environment == "version":
            continue
        settings = commands["deploy"]["parameters"]
        if environment.endswith("-infrastructure"):
            parameters = infrastructure["Parameters"]
        else:
            parameters = declared
            expected = f"file://.aws-sam/{'dev' if environment == 'default' else environment}.yaml"
            if settings["parameter_overrides"][0] != expected:
                wrong.append(f"{environment} does not read {expected}")
            if len(settings["stack_name"]) + longest > NAME:
                wrong.append(f"functions of the stack {settings['stack_name']} would have names longer than {NAME}")
            if f"{environment}-infrastructure" not in environments() and environment != "default":
                wrong.append(f"{environment} has no infrastructure")
        for name, value in overrides(settings).items():
            if name not in parameters:
                wrong.append(f"{environment} sets {name}, which is no parameter")
                continue
            parameter = parameters[name]
            allowed = [str(allowed) for allowed in parameter.get("AllowedValues", [])]
            if isinstance(value, bool) or (allowed and str(value) not in allowed):
                wrong.append(f"{environment} sets {name} to {value}, which is none of {allowed}")
            if "AllowedPattern" in parameter and not re.fullmatch(parameter["AllowedPattern"], str(value)):
                wrong.append(f"{environment} sets {name} to {value}, which {parameter['AllowedPattern']} refuses")
    default, dev = (environments()[name] for name in ("default", "dev"))
    if default != dev:
        wrong.append("default and dev differ")

    for name in ("template.yaml", "infrastructure.yaml"):
        for parameter, about in template(name)["Parameters"].items():
            pattern, value = about.get("AllowedPattern"), about.get("Default")
            if pattern and value is not None and not re.fullmatch(pattern, str(value)):
                wrong.append(f"{name}: the default of {parameter} does not match its pattern")
        if len(template(name)["Parameters"]) > MOST_PARAMETERS:
            wrong.append(f"{name} has too many parameters")
    whole = transformed()
    count = len(whole["Resources"])
    print(f"template.yaml becomes {count} resources")
    if count > MOST_RESOURCES:
        wrong.append(f"template.yaml becomes {count} resources, and CloudFormation takes 500")
    return wrong + guides(app, infrastructure)


def guides(*templates):
    """What guides name exists: parameters, outputs and resources, commands, environments, files; and each alarm stands in one."""
    wrong, known = [], set(AWS_NAMES)
    for document in templates:
        known |= {*document["Parameters"], *document["Outputs"], *document["Resources"]}
    commands = set(re.findall(r"^    ([A-Z]\w+)", (ROOT / "localstack/src/main.rs").read_text(), re.M))
    pages = [*(ROOT / "localstack/guides").glob("*.md"), ROOT / "README.md", ROOT / "README.ko.md"]
    for page in pages:
        text = page.read_text()
        name = page.relative_to(ROOT)
        section = text if "guides" in page.parts else re.split(r"^## (?:On AWS|AWS에서)$", text, flags=re.M)[1].split("\n## ")[0]
        for word in re.findall(r"`([A-Z][a-z]+[A-Z]\w+)(?:=[^`]*)?`", section):
            if word not in known:
                wrong.append(f"{name} names {word}, which neither template has")
        for command in re.findall(r"cargo local (\w+)", text):
            if command.capitalize() not in commands:
                wrong.append(f"{name} names the command cargo local {command}")
        for environment in re.findall(r"(?:\.ci/deploy|--config-env) (?:--check )?([\w-]+)", text):
            if environment not in environments() and not environment.isupper():
                wrong.append(f"{name} deploys {environment}, which samconfig.toml has not")
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            if not (page.parent / link).exists():
                wrong.append(f"{name} links to {link}, which is not there")
    told = (ROOT / "localstack/guides/operate.md").read_text()
    for document in templates:
        for name, resource in document["Resources"].items():
            if resource["Type"] == "AWS::CloudWatch::Alarm" and f"`{name}`" not in told:
                wrong.append(f"localstack/guides/operate.md does not say what {name} means")
    return wrong


def policies(document):
    for name, resource in document["Resources"].items():
        properties = resource.get("Properties", {})
        for policy in [properties, *properties.get("Policies", [])] if resource["Type"].startswith("AWS::IAM::") else []:
            if isinstance(policy, dict) and "PolicyDocument" in policy:
                yield name, policy["PolicyDocument"]


def plain(value):
    """A policy as IAM would get it: conditions taken, references as names."""
    if isinstance(value, list):
        return [item for item in map(plain, value) if item is not None]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (function, argument), *_ = value.items()
        if function == "Ref":
            names = {"AWS::NoValue": None, "AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}
            kms = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
            secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:name-AbCdEf"
            known = kms if argument == "SecretsKmsKeyArn" else secret if argument.endswith("SecretArn") else argument
            return names.get(argument, known)
        if function == "Fn::If":
            return plain(argument[1])
        if function == "Fn::Sub":
            text = argument if isinstance(argument, str) else argument[0]

            def named(match):
                name = match[1]
                return plain({"Fn::GetAtt": name.split(".")}) if "." in name else str(plain({"Ref": name})).replace("::", "-")

            return re.sub(r"\$\{([^}]+)\}", named, text)
        if function == "Fn::GetAtt":
            resource = argument if isinstance(argument, str) else argument[0]
            if "Bucket" in resource:
                return f"arn:aws:s3:::{resource.lower()}"
            service = "sqs" if "Queue" in resource or "Dlq" in resource else "logs"
            rest = resource if service == "sqs" else f"log-group:/aws/lambda/{resource}:*"
            return f"arn:aws:{service}:us-east-1:123456789012:{rest}"
    return {key: plain(item) for key, item in value.items()}


def iam():
    from parliament import analyze_policy_string, enhance_finding

    wrong, seen = [], 0
    for name in ("template.yaml", "infrastructure.yaml"):
        for role, document in policies(template(name)):
            seen += 1
            for finding in analyze_policy_string(json.dumps(plain(document)), ignore_private_auditors=True).findings:
                finding = enhance_finding(finding)
                if (role, finding.issue) not in MEANT:
                    wrong.append(f"{name}, {role}: {finding.issue} {finding.title} {finding.detail}")
    print(f"parliament has read {seen} policies")
    return wrong


def main(command, *arguments):
    wrong = []
    if command == "check":
        wrong = fits()
    elif command == "iam":
        wrong = iam()
    elif command == "parameters":
        parameters()
    elif command == "reserved":
        print(reserved(arguments[0]))
    elif command == "setting":
        print(setting(*arguments))
    else:
        sys.exit(__doc__)
    if wrong:
        sys.exit("\n".join(sorted(wrong)))


if len(sys.argv) < 2:
    sys.exit(__doc__)
main(*sys.argv[1:])
