"""Each property of the template's checklist, broken: usually in several ways, and at each place that has it."""

from __future__ import annotations

from mutation import Change, Mutation, drop, more, put, swap

API = "Resources/Api/Properties"
STAGE = f"{API}/MethodSettings/*"
FORMAT = f"{API}/AccessLogSetting/Format"
BODY = f"{API}/DefinitionBody"
POST = f"{BODY}/paths/*/post"
# Every method but OPTIONS.
METHOD = f"{BODY}/paths/*/[gp]*t"
INTEGRATION = "x-amazon-apigateway-integration"
FUNCTION = "Resources/{AWS::Serverless::Function}/Properties"
ROLE = "Resources/*FunctionRole/Properties"
STATEMENT = f"{ROLE}/**"
QUEUE = "Resources/{AWS::SQS::Queue}/Properties"
MAPPING = "Resources/{AWS::Lambda::EventSourceMapping}/Properties"
BUCKET = "Resources/{AWS::S3::Bucket}/Properties"
BUCKET_POLICY = "Resources/{AWS::S3::BucketPolicy}/Properties/PolicyDocument/Statement"
QUEUE_POLICY = "Resources/{AWS::SQS::QueuePolicy}/Properties/PolicyDocument/Statement"
KEY = "Resources/{AWS::KMS::Key}/Properties"
LOGS = "Resources/{AWS::Logs::LogGroup}/Properties"
ENDPOINT = "Resources/{AWS::EC2::VPCEndpoint}/Properties"
ALARM = "Resources/{AWS::CloudWatch::Alarm}/Properties"
TOPIC = "Resources/{AWS::SNS::Topic}/Properties"
OTHER_KEY = "alias/aws/another"
ANYBODY = {"AWS": "*"}

# Where, what becomes of what is there, and what that would mean.
WAYS: dict[str, list[tuple[str, Change, str]]] = {
    # Each call is somebody's.
    "T01": [
        (f"{METHOD}/security", drop, "nobody is asked who they are"),
        (f"{METHOD}/security/Fn::If/[12]", put([]), "no scheme is asked for"),
        (f"{METHOD}/security/Fn::If/[12]", more({}), "a way in without any scheme"),
        (f"{METHOD}/security/Fn::If/1", put([{"bearer": []}]), "the key is not checked"),
        (f"{BODY}/**/sigv4/x-amazon-apigateway-authtype", put("none"), "no signature is asked for"),
        (f"{BODY}/**/api_key/name", put("x-nothing"), "the key is read elsewhere"),
        ("Resources/PlaygroundFunction/IgnoreGlobals", drop, "the open page's function is told what it need not know"),
    ],
    # The functions run with their own roles.
    "T02": [
        (f"{METHOD}/{INTEGRATION}/credentials", put("arn:aws:iam::*:user/*"), "the caller's credentials"),
    ],
    # There is one way in.
    "T03": [
        (f"{FUNCTION}/FunctionUrlConfig", put({"AuthType": "NONE"}), "a URL without authorization"),
    ],
    # Keys, and what each may use.
    "T04": [
        (f"{API}/ApiKeySourceType", put("HEADER"), "the authorizer's key is not looked at"),
        (f"{BODY}/x-amazon-apigateway-api-key-source", put("HEADER"), "the same after an update"),
        (f"{BODY}/**/identityValidationExpression", put(".*"), "anything passes for a key"),
        (f"{BODY}/**/x-amazon-apigateway-authorizer/type", put("request"), "remembered by more than the key"),
        ("Resources/UsagePlan/Properties/Throttle", drop, "a key has no rate"),
        ("Resources/UsagePlan/Properties/Throttle/*", drop, "a key has half a rate"),
        ("Resources/UsagePlan/Properties/Quota", drop, "a key has no quota"),
        ("Resources/UsagePlan/Properties/ApiStages/*/Stage", put("other"), "a plan of another stage"),
        ("Resources/UsagePlanKey/Properties/UsagePlanId", put("other"), "the key is of another plan"),
        ("Resources/UsagePlan*/Condition", drop, "keys where there are none"),
        ("Resources/ApiKey/Properties/Enabled", drop, "the key is off"),
        (f"{FUNCTION}/Environment/Variables/MAX_*", drop, "a request may ask for more"),
        (f"{FUNCTION}/Environment/Variables/DEFAULT_*", drop, "another default"),
    ],
    # All calls together have a rate, and images one of their own.
    "T05": [
        (f"{STAGE}/Throttling*Limit", drop, "no rate"),
        (f"{STAGE}/Throttling*Limit", put(-1), "any rate"),
        (STAGE, drop, "no settings for this path"),
        (f"{API}/MethodSettings", drop, "no settings at all"),
    ],
    # Who called what, and not what was said.
    "T06": [
        (f"{API}/AccessLogSetting", drop, "no access log"),
        (f"{API}/AccessLogSetting/DestinationArn", drop, "a log that goes nowhere"),
        (FORMAT, put("$context.requestId $context.status"), "no JSON"),
        (FORMAT, swap("$context.requestId", "-"), "the request is not named"),
        (FORMAT, swap("$context.status", "-"), "its status is not named"),
        (FORMAT, swap("$context.identity.sourceIp", "-"), "from where is not named"),
        (FORMAT, swap("apiKeyId", "apiKey"), "the key itself"),
        (FORMAT, swap("$context.resourcePath", "$input.body"), "the body"),
        (FORMAT, swap("$context.httpMethod", "$input.params('Authorization')"), "a header"),
        (FORMAT, swap("$context.httpMethod", "$context.authorizer.key"), "its answer"),
        ("Resources/ApiAccountRole/Properties/ManagedPolicyArns", drop, "nobody may write it"),
    ],
    "T07": [
        (f"{STAGE}/DataTraceEnabled", put(True), "bodies in the log"),
        (f"{STAGE}/DataTraceEnabled", drop, "not said of bodies"),
        (f"{STAGE}/LoggingLevel", put("INFO"), "a log with keys, in a group without one"),
    ],
    # What is no request at all is refused by API Gateway.
    "T08": [
        (f"{POST}/x-amazon-apigateway-request-validator", drop, "not looked at"),
        (f"{POST}/requestBody", drop, "no model"),
        (f"{POST}/requestBody/**/schema", put({}), "a model of anything"),
        (f"{BODY}/**/validateRequestBody", put(False), "validators that look away"),
        (f"{BODY}/components/schemas/Request/*", drop, "half a model"),
        (f"{BODY}/components/schemas/Request/required", put(["model"]), "a model that wants more"),
    ],
    # One origin or none.
    "T09": [
        (f"{BODY}/**/*access-control-allow-origin", put("'*'"), "every origin"),
        (
            f"{BODY}/**/responseParameters/Fn::If/1",
            lambda headers: {**headers, "method.response.header.access-control-allow-credentials": "'true'"},
            "with credentials",
        ),
        (f"{FUNCTION}/Environment/Variables/CORS_ALLOW_ORIGIN", put("*"), "every origin, of the functions"),
        ("Globals/Function/Environment/Variables/CORS_ALLOW_ORIGIN", put("*"), "every origin, of all"),
        ("Parameters/CorsOrigin/AllowedPattern", drop, "any text is an origin"),
        ("Parameters/CorsOrigin/AllowedPattern", put(r"^(\*|https?://.*)?$"), "a star is an origin"),
    ],
    # A function ends before API Gateway gives up on it.
    "T10": [
        ("Globals/Function/Timeout/Fn::If/1", put(900), "longer than a stream lasts"),
        ("Globals/Function/Timeout/Fn::If/2", put(30), "longer than a whole answer may take"),
        ("Resources/ModelsFunction/Properties/Timeout", drop, "as long as the others"),
        (f"{METHOD}/{INTEGRATION}/timeoutInMillis", put(28_000), "less than the function's"),
        (f"{METHOD}/{INTEGRATION}/timeoutInMillis", drop, "not said"),
        (f"{METHOD}/{INTEGRATION}/responseTransferMode", put("BUFFERED"), "not streamed after all"),
        (f"{METHOD}/{INTEGRATION}/httpMethod", put("GET"), "a call that Lambda does not know"),
    ],
    # Models: each function's own, by ARN.
    "T11": [
        (f"{STATEMENT}/Action", put("bedrock:*"), "anything with Bedrock"),
        (f"{STATEMENT}/Sid=CallTheModel/Resource", put("*"), "any model"),
        (
            f"{STATEMENT}/Sid=CallTheModel/Resource",
            put({"Fn::Sub": "arn:${AWS::Partition}:bedrock:${AWS::Region}::foundation-model/*"}),
            "any foundation model",
        ),
        (f"{STATEMENT}/Sid=CallTheModel/Action", more("bedrock:InvokeAgent"), "more than models"),
        (f"{STATEMENT}/Sid=LetTheProfileChooseARegion/Condition", drop, "without the profile"),
        (f"{STATEMENT}/Sid=LetTheProfileChooseARegion/Resource", swap("/${", "/*${"), "models alike"),
        (f"{STATEMENT}/Sid=LetFurtherProfilesChooseARegion/Condition", drop, "any model, without a profile"),
        (f"{STATEMENT}/Sid=CallFurtherModels/Resource", put("*"), "any model, if there are further ones"),
        (f"{STATEMENT}/Sid=ListModels/Action", more("bedrock:InvokeModel"), "who lists models may call all"),
        (f"{STATEMENT}/Sid=CallTheModel/Action", more("bedrock:ListFoundationModels"), "who calls may list"),
    ],
    # No policy that somebody else writes.
    "T12": [
        (f"{ROLE}/ManagedPolicyArns", put(["arn:aws:iam::aws:policy/AmazonBedrockFullAccess"]), "Bedrock"),
        (f"{ROLE}/ManagedPolicyArns", put(["arn:aws:iam::aws:policy/AmazonS3FullAccess"]), "S3"),
    ],
    # Objects, messages and the key.
    "T13": [
        (f"{STATEMENT}/Sid=Keep*/Action", more("s3:DeleteObject"), "results can be deleted"),
        (f"{STATEMENT}/Sid=ReadRequests/Action", more("s3:PutObject"), "requests can be written"),
        (f"{STATEMENT}/Sid=KeepLocks/Resource", swap("/locks/", "/"), "another place than its locks"),
        (f"{STATEMENT}/Sid=KeepResults/Resource", swap("/results/*", "/*"), "the whole bucket"),
        (f"{STATEMENT}/Sid=ListResultsAndTellWhatIsMissing/Condition", drop, "lists everything"),
        (f"{STATEMENT}/Sid=TakeMessages/Resource", put("*"), "takes any queue's messages"),
        (f"{STATEMENT}/Sid=SendLinesAndChecks/Resource", put("*"), "sends to any queue"),
        (f"{STATEMENT}/Sid=UseTheKey/Resource", put("*"), "uses any key"),
        (f"{STATEMENT}/Sid=UseTheKey/Action", put("kms:*"), "does anything with the key"),
        (f"{STATEMENT}/Sid=UseTheKey/Action", more("kms:Encrypt"), "does more with the key"),
        (f"{STATEMENT}/Sid=UseTheKey/Action", put("kms:Decrypt"), "cannot write"),
        (f"{STATEMENT}/Sid=WriteLogs/Resource", put("*"), "writes into any log"),
    ],
    # A role for each function.
    "T14": [
        (f"{FUNCTION}/Role", put({"Fn::GetAtt": ["ImageGenerationFunctionRole", "Arn"]}), "the image's role"),
        (f"{ROLE}/AssumeRolePolicyDocument/Statement/*/Principal", put({"AWS": "*"}), "anybody's role"),
        (
            f"{ROLE}/AssumeRolePolicyDocument/Statement/*/Principal/Service",
            put(["lambda.amazonaws.com", "ec2.amazonaws.com"]),
            "another service's, too",
        ),
    ],
    # A message comes back when its function is done with it, and is given up to people.
    "T15": [
        (f"{QUEUE}/VisibilityTimeout/Fn::If/1", put(900), "less than six times as long"),
        (f"{QUEUE}/VisibilityTimeout/Fn::If/2", put(30), "less, if answers are whole"),
        (f"{MAPPING}/MaximumBatchingWindowInSeconds", put(300), "a wait that nothing allows for"),
    ],
    "T16": [
        (f"{QUEUE}/RedrivePolicy", drop, "tried for ever"),
        (f"{QUEUE}/RedrivePolicy/maxReceiveCount", put(1), "tried once"),
        (f"{QUEUE}/RedrivePolicy/deadLetterTargetArn", put({"Fn::GetAtt": ["UndeliveredQueue", "Arn"]}), "lost"),
        ("Parameters/QueueMaxReceives/MinValue", put(1), "may be tried once"),
        ("Resources/*DeadLetterQueue/Properties/MessageRetentionPeriod", put(345_600), "forgotten early"),
        ("Resources/UndeliveredQueue/Properties/MessageRetentionPeriod", put(345_600), "forgotten early"),
        ("Resources/*FifoDeadLetterQueue/Properties/FifoQueue", drop, "of another type"),
    ],
    "T17": [
        (f"{MAPPING}/FunctionResponseTypes", drop, "one failure is the failure of all"),
    ],
    "T18": [
        (f"{MAPPING}/ScalingConfig", drop, "a queue takes all that there is"),
        ("Parameters/TextReservedConcurrency/Default", put(5), "less than its queues take"),
        ("Parameters/ImageReservedConcurrency/Default", put(5), "less than its queue takes"),
    ],
    "T19": [
        (f"{MAPPING}/BatchSize", put(100), "more than can be begun"),
        (f"{MAPPING}/StartingPosition", put("LATEST"), "a stream's setting"),
    ],
    # An event without a queue is kept, too.
    "T20": [
        (f"{FUNCTION}/EventInvokeConfig", drop, "as Lambda likes"),
        (f"{FUNCTION}/EventInvokeConfig/DestinationConfig", drop, "lost"),
        (f"{FUNCTION}/EventInvokeConfig/MaximumRetryAttempts", put(0), "not tried again"),
        (f"{FUNCTION}/EventInvokeConfig/MaximumRetryAttempts", drop, "not said how often"),
        (f"{FUNCTION}/EventInvokeConfig/MaximumEventAgeInSeconds", drop, "not said how long"),
        (f"{STATEMENT}/Sid=KeepWhatCouldNotBeDelivered", drop, "may not be kept"),
    ],
    # No function is called by its own output.
    "T21": [
        (f"{BUCKET}/NotificationConfiguration/**/Rules/Name=prefix", drop, "of any folder"),
        (f"{BUCKET}/NotificationConfiguration/**/Rules/Name=suffix", drop, "of any ending"),
        (f"{BUCKET}/NotificationConfiguration/**/Rules/Name=prefix/Value", put("results/"), "of results"),
        (f"{BUCKET}/NotificationConfiguration/**/Rules/Name=prefix/Value", put(""), "of all"),
    ],
    # Only this account's bucket and API.
    "T22": [
        (f"{QUEUE_POLICY}/Sid=TakeNotificationsOfTheBucket/Condition/*", drop, "another bucket's, or owner's"),
        (f"{QUEUE_POLICY}/Sid=TakeNotificationsOfTheBucket/Condition", drop, "any bucket's"),
        ("Resources/AuthorizerPermission/Properties/SourceArn", drop, "any API's"),
        ("Resources/PlaygroundPermission/Properties/SourceArn", drop, "any API's"),
        (f"{BUCKET_POLICY}/Sid=TakeLogsOfTheBucket/Condition/*", drop, "another's logs"),
        (f"{BUCKET_POLICY}/Sid=TakeLogsOfTheBucket/Condition", drop, "anybody's logs"),
    ],
    # The wallet.
    "T23": [
        (f"{FUNCTION}/ReservedConcurrentExecutions", drop, "no bound can be set"),
        ("Parameters/*ReservedConcurrency/MinValue", put(-1), "less than nothing"),
    ],
    # Buckets: closed, private, kept, logged.
    "T24": [
        (f"{BUCKET}/PublicAccessBlockConfiguration/*", put(False), "can be opened"),
        (f"{BUCKET}/PublicAccessBlockConfiguration/*", drop, "not said to be closed"),
        (f"{BUCKET}/PublicAccessBlockConfiguration", drop, "not closed"),
        (f"{BUCKET}/OwnershipControls", drop, "with ACLs"),
        (f"{BUCKET}/OwnershipControls/Rules/*/ObjectOwnership", put("ObjectWriter"), "owned by who writes"),
        (f"{BUCKET}/AccessControl", put("PublicRead"), "read by anybody"),
        (
            BUCKET_POLICY,
            more({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}),
            "read by anybody",
        ),
    ],
    "T25": [
        ("Resources/{AWS::S3::BucketPolicy}", drop, "no policy"),
        (f"{BUCKET_POLICY}/Sid=OnlyOverTls", drop, "without TLS"),
        (f"{BUCKET_POLICY}/Sid=OnlyOverTls/Effect", put("Allow"), "the contrary"),
        (f"{BUCKET_POLICY}/Sid=OnlyOverTls/Condition/Bool/*", put("true"), "only without TLS"),
        (f"{BUCKET_POLICY}/Sid=OnlyOverTls/Resource/1", drop, "objects without TLS"),
        (f"{BUCKET_POLICY}/Sid=OnlyOverTls/Action", put("s3:GetObject"), "writing without TLS"),
    ],
    "T26": [
        ("Resources/{AWS::SQS::QueuePolicy}", drop, "no policy"),
        ("Resources/{AWS::SQS::QueuePolicy}/Properties/Queues/*", drop, "a queue without a policy"),
        (f"{QUEUE_POLICY}/Sid=OnlyOverTls", drop, "without TLS"),
        (f"{QUEUE_POLICY}/Sid=OnlyOverTls/Effect", put("Allow"), "the contrary"),
        (f"{QUEUE_POLICY}/Sid=OnlyOverTls/Condition/Bool/*", put("true"), "only without TLS"),
        (f"{QUEUE_POLICY}/Sid=OnlyOverTls/Action", put("sqs:SendMessage"), "reading without TLS"),
    ],
    # The stack's key.
    "T27": [
        (f"{QUEUE}/KmsMasterKeyId", drop, "SQS's own key"),
        (f"{QUEUE}/KmsMasterKeyId", put(OTHER_KEY), "another key"),
        (f"{QUEUE}/KmsMasterKeyId/Fn::If/2", put(OTHER_KEY), "another key than was given"),
        (f"{LOGS}/KmsKeyId", drop, "CloudWatch's own key"),
        (f"{LOGS}/KmsKeyId", put(OTHER_KEY), "another key"),
        ("Resources/Bucket/Properties/BucketEncryption", drop, "S3's own key"),
        ("Resources/AccessLogBucket/Properties/BucketEncryption", drop, "not said"),
        ("Resources/Bucket/Properties/BucketEncryption/**/SSEAlgorithm", put("AES256"), "S3's own key"),
        ("Resources/Bucket/Properties/BucketEncryption/**/KMSMasterKeyID", drop, "AWS's key"),
        ("Resources/Bucket/Properties/BucketEncryption/**/KMSMasterKeyID", put(OTHER_KEY), "another key"),
        ("Resources/Bucket/Properties/BucketEncryption/**/BucketKeyEnabled", put(False), "a call for each object"),
        ("Globals/Function/KmsKeyArn", drop, "Lambda's own key"),
        ("Globals/Function/KmsKeyArn", put(OTHER_KEY), "another key"),
        (f"{TOPIC}/KmsMasterKeyId", drop, "alarms in the clear"),
    ],
    "T28": [
        (f"{KEY}/EnableKeyRotation", drop, "one key for good"),
        (f"{KEY}/EnableKeyRotation", put(False), "one key for good"),
        (f"{KEY}/KeyPolicy/Statement/*/Principal", put("*"), "anybody's key"),
        (f"{KEY}/KeyPolicy/Statement/*/Principal", put(ANYBODY), "anybody's key"),
        (f"{KEY}/KeyPolicy/Statement/*/Condition", drop, "any account's service"),
        (f"{KEY}/KeyPolicy/Statement/*", drop, "somebody is kept out"),
        (f"{KEY}/KeyPolicy/Statement/*/Action", more("kms:PutKeyPolicy"), "somebody may do more"),
    ],
    # Logs end, and are the template's own.
    "T29": [
        (f"{LOGS}/RetentionInDays", drop, "for good"),
        (f"{FUNCTION}/LoggingConfig", drop, "a group that Lambda makes"),
    ],
    # What was paid for is kept, and what nobody can ask for goes.
    "T30": [
        (f"{BUCKET}/VersioningConfiguration", drop, "an upload replaces another"),
        (f"{BUCKET}/VersioningConfiguration/Status", put("Suspended"), "an upload replaces another"),
        (f"{BUCKET}/LifecycleConfiguration/Rules/*", drop, "a rule less"),
        (f"{BUCKET}/LifecycleConfiguration/Rules/*/Status", put("Disabled"), "a rule that is off"),
        (f"{BUCKET}/LifecycleConfiguration/Rules/Id=OldVersions/**/NoncurrentDays", put(7), "too early"),
        (f"{BUCKET}/LifecycleConfiguration/Rules/Id=Locks/ExpirationInDays", put(7), "paid for twice"),
        (f"{BUCKET}/LifecycleConfiguration/Rules/Id=Locks/Prefix", put("results/"), "results for locks"),
    ],
    "T31": [
        ("Resources/Bucket/Properties/LoggingConfiguration", drop, "nobody knows who read"),
        (
            "Resources/Bucket/Properties/LoggingConfiguration/DestinationBucketName",
            put({"Ref": "Bucket"}),
            "a log of its log",
        ),
    ],
    # Settings are no secrets.
    "T32": [
        (f"{FUNCTION}/Environment/Variables/AWS_ACCESS_KEY", put("AKIAIOSFODNN7EXAMPLE"), "a key"),
        (f"{FUNCTION}/Environment/Variables/TOKEN", put("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "a secret"),
    ],
    "T33": [
        ("Globals/Function/Tracing", drop, "no traces"),
        ("Globals/Function/Tracing", put("PassThrough"), "somebody else's traces"),
        (f"{API}/TracingEnabled", drop, "no traces of the stage"),
        (f"{STATEMENT}/Sid=WriteTraces", drop, "may not write them"),
    ],
    "T34": [
        ("Globals/Function/MemorySize", drop, "not said"),
        ("Globals/Function/Timeout", drop, "not said"),
        ("Resources/AuthorizerFunction/Properties/Timeout", drop, "not said"),
        ("Resources/PlaygroundFunction/Properties/Timeout", drop, "not said"),
    ],
    # The web ACL, when there is one.
    "T35": [
        ("Resources/WebAclAssociation", drop, "of no stage"),
        ("Resources/WebAclAssociation/Properties/ResourceArn", swap("stages/", "deployments/"), "of none"),
        ("Resources/WebAcl/Properties/Rules/*", drop, "a rule less"),
        ("Resources/WebAcl/**/Name=requests-of-one-address/Action", put({"Count": {}}), "counts, and lets in"),
        ("Resources/WebAcl/**/Name=common-attacks/OverrideAction", put({"Count": {}}), "counts, and lets in"),
        ("Resources/WebAcl/Properties/**/SampledRequestsEnabled", put(True), "samples have keys"),
        ("Resources/WebAcl/Properties/**/RuleActionOverrides/*", drop, "refuses long prompts"),
        ("Resources/WebAcl/Properties/CustomResponseBodies/*", drop, "an answer that is not there"),
    ],
    # The guardrail, when there is one.
    "T36": [
        (f"{FUNCTION}/Environment/Variables/GUARDRAIL_*", drop, "is not told of it"),
        (f"{STATEMENT}/Sid=ApplyTheGuardrail", drop, "may not apply it"),
        (f"{STATEMENT}/Sid=ApplyTheGuardrail/Resource", put("*"), "may apply any"),
        (f"{STATEMENT}/Sid=ApplyTheGuardrail/Resource", swap("/${GuardrailId}", "/*"), "may apply any"),
    ],
    # The VPC, when there is one.
    "T37": [
        ("Globals/Function/VpcConfig", drop, "outside it"),
        ("Resources/{AWS::EC2::VPCEndpoint}", drop, "no way to a service"),
        (f"{ENDPOINT}/PolicyDocument", drop, "anybody's way, to anything"),
        (f"{ENDPOINT}/PolicyDocument/Statement/*/Condition", drop, "anybody's way"),
        (f"{ENDPOINT}/PolicyDocument/Statement/*/Action", put("*"), "to anything"),
        (f"{ENDPOINT}/PolicyDocument/Statement/*/Principal", drop, "a policy of nobody"),
        (f"{ENDPOINT}/PrivateDnsEnabled", put(False), "a way that is not taken"),
        ("Resources/EndpointSecurityGroup/**/SecurityGroupIngress/*/SourceSecurityGroupId", drop, "of nobody"),
        (
            "Resources/FunctionSecurityGroup/Properties/SecurityGroupIngress",
            put([{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0", "Description": "all"}]),
            "functions that can be called on",
        ),
        (f"{STATEMENT}/Sid=LeaveInterfacesAlone", drop, "the code may make interfaces"),
        (f"{API}/EndpointConfiguration/Type", put("REGIONAL"), "an API that is never private"),
        (f"{API}/EndpointConfiguration/VPCEndpointIds", drop, "a private API without a way in"),
        (f"{BODY}/x-amazon-apigateway-policy", drop, "a private API for any endpoint"),
        (f"{BODY}/x-amazon-apigateway-policy/**/Condition", drop, "one for nobody, or for any"),
    ],
    # Somebody is told.
    "T38": [
        ("Resources/{AWS::CloudWatch::Alarm}", drop, "no alarm"),
        (f"{ALARM}/AlarmActions", drop, "an alarm that nobody hears"),
        (f"{ALARM}/AlarmActions", put([]), "an alarm that nobody hears"),
        (f"{ALARM}/ActionsEnabled", put(False), "an alarm that is off"),
        (f"{ALARM}/Threshold", put(1_000_000_000), "an alarm that never rings"),
        (f"{ALARM}/ComparisonOperator", put("LessThanThreshold"), "an alarm of the contrary"),
        (f"{ALARM}/MetricName", put("Another"), "an alarm of nothing"),
        (f"{ALARM}/Dimensions/*/Value", put("another"), "an alarm of another"),
        (f"{ALARM}/TreatMissingData", put("ignore"), "an alarm that never ends"),
        ("Resources/{AWS::SNS::Subscription}", drop, "nobody is told"),
        ("Globals/Function/Environment/Variables/METRICS_NAMESPACE", drop, "metrics that no alarm looks at"),
        ("Resources/{AWS::SNS::TopicPolicy}", drop, "nobody may tell"),
        ("Resources/{AWS::SNS::TopicPolicy}/Properties/**/Statement/*", drop, "not all may tell, or without TLS"),
        ("Resources/{AWS::SNS::TopicPolicy}/Properties/**/Statement/*/Condition", drop, "anybody may tell"),
        ("Resources/{AWS::Budgets::Budget}", drop, "no budget"),
        ("Resources/{AWS::Budgets::Budget}/**/NotificationsWithSubscribers/*", drop, "told less often"),
    ],
    # What was paid for outlives the stack, and what opens it.
    "T39": [
        ("Resources/{AWS::S3::Bucket}/*Policy", drop, "not said"),
        ("Resources/{AWS::S3::Bucket}/*Policy", put("Delete"), "gone with the stack"),
        ("Resources/{AWS::KMS::Key}/*Policy", drop, "not said"),
        ("Resources/{AWS::KMS::Key}/*Policy", put("Delete"), "nobody can read the bucket any more"),
        # One of each: only cfn-lint notices, which takes its time.
        ("Resources/ChatQueue/*Policy", drop, "not said"),
        ("Resources/ApiLogs/*Policy", drop, "not said"),
    ],
    # Any partition, any region.
    "T40": [
        ("Resources/**/Fn::Sub", swap("${AWS::Partition}", "aws"), "one partition's"),
        ("Resources/**/Fn::Sub", swap("${AWS::Region}", "us-east-1"), "one region's"),
        ("Outputs/**/Fn::Sub", swap("${AWS::Region}", "us-east-1"), "one region's"),
        ("Resources/**/Fn::Sub/0", swap("${AWS::Partition}", "aws"), "one partition's"),
    ],
    # A lock is written on a condition.
    "T41": [
        (f"{BUCKET_POLICY}/Sid=LocksOnlyOnACondition", drop, "locks can be overwritten"),
        (f"{BUCKET_POLICY}/Sid=LocksOnlyOnACondition/Condition/Null/*", put("false"), "the contrary"),
        (f"{BUCKET_POLICY}/Sid=LocksOnlyOnACondition/Condition/Null/*", drop, "no lock can be taken over"),
        (f"{BUCKET_POLICY}/Sid=LocksOnlyOnACondition/Resource", swap("/locks/*", "/results/*"), "elsewhere"),
    ],
}
MUTATIONS = [Mutation(name, *way) for name, ways in WAYS.items() for way in ways]
