//! Which policies of a guardrail found something, of the trace that says all that they found.
//!
//! Source: the Bedrock API reference, `API_runtime_GuardrailTraceAssessment`.

use aws_sdk_bedrockruntime::types::{GuardrailAssessment, GuardrailTraceAssessment};

use crate::families::Policy;

/// The policies, each once, in the order of their list. What they found is content and is left out.
pub(super) fn policies(trace: GuardrailTraceAssessment) -> Vec<Policy> {
    let input = trace.input_assessment.into_iter();
    let input = input.flat_map(|assessments| assessments.into_values());
    let output = trace.output_assessments.into_iter();
    let output = output.flat_map(|assessments| assessments.into_values().flatten());
    let assessments: Vec<GuardrailAssessment> = input.chain(output).collect();
    let found = |policy: &Policy| assessments.iter().any(|one| finds(one, *policy));
    Policy::ALL.iter().copied().filter(found).collect()
}

fn finds(assessment: &GuardrailAssessment, policy: Policy) -> bool {
    match policy {
        Policy::Topic => assessment.topic_policy.is_some(),
        Policy::Content => assessment.content_policy.is_some(),
        Policy::Word => assessment.word_policy.is_some(),
        Policy::SensitiveInformation => assessment.sensitive_information_policy.is_some(),
        Policy::ContextualGrounding => assessment.contextual_grounding_policy.is_some(),
        Policy::AutomatedReasoning => assessment.automated_reasoning_policy.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_bedrockruntime::types::{
        GuardrailTopicPolicyAssessment, GuardrailWordPolicyAssessment,
    };

    use super::*;

    #[test]
    fn the_policies_of_both_sides_are_named_once() {
        let topic = GuardrailTopicPolicyAssessment::builder()
            .set_topics(Some(Vec::new()))
            .build()
            .unwrap();
        let word = GuardrailWordPolicyAssessment::builder()
            .set_custom_words(Some(Vec::new()))
            .set_managed_word_lists(Some(Vec::new()))
            .build()
            .unwrap();
        let words = GuardrailAssessment::builder().word_policy(word).build();
        let both = GuardrailAssessment::builder().topic_policy(topic);
        let both = both.set_word_policy(words.word_policy.clone()).build();
        let trace = GuardrailTraceAssessment::builder()
            .input_assessment("g", words.clone())
            .output_assessments("g", vec![both, words])
            .build();
        assert_eq!(policies(trace), [Policy::Topic, Policy::Word]);
        let none = GuardrailTraceAssessment::builder().build();
        assert_eq!(policies(none), []);
    }
}
