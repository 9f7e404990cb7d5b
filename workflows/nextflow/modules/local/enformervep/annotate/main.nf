process ENFORMERVEP_ANNOTATE {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(vcf), path(scores), path(beside)

    output:
    tuple val(meta), path("${prefix}.vcf.gz"), emit: vcf
    tuple val(meta), path("${prefix}.vcf.gz.{tbi,csi}"), emit: index, optional: true
    path "versions.yml", emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}.annotated"
    """
    enformer-vep annotate ${vcf} ${scores} --out ${prefix}.vcf.gz ${args}

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        enformer-vep: \$(enformer-vep --version | sed 's/.* //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}.annotated"
    """
    echo | gzip > ${prefix}.vcf.gz
    touch ${prefix}.vcf.gz.tbi

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        enformer-vep: \$(enformer-vep --version | sed 's/.* //')
    END_VERSIONS
    """
}
