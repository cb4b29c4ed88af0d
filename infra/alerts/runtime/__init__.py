"""What runs in the Lambda function: the contract, boto3 and these modules, nothing else."""
